"""Everything that is configured, read from the environment once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One process's configuration; field ``redis_url`` is the variable ``REDIS_URL`` and so on."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path(".data")
    base_url: str = ""
    """Public address of the gateway, without a trailing slash; derived from host and port if empty."""
    redis_url: str = ""
    """Empty: the supervisor starts an embedded Valkey and fills this in for its children."""
    database_url: str = ""
    """SQLAlchemy async address; empty: a SQLite file in the data directory."""
    ledger_url: str = ""
    """``sqlite:``, ``postgresql:``, ``https:``, ``nats:``; empty: a SQLite file in the data directory."""
    media_url: str = "http://127.0.0.1:8001"
    """Public address of the media processes' WHIP and WHEP endpoints, or an engine's pattern with ``{room}``,
    ``{seat}`` and ``{protocol}``."""
    media_processes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Media processes of ``livecommerce up`` on this host; streams are spread over them."""
    media_ice_servers: str = ""
    """Comma-separated ``stun:`` and ``turn:`` addresses for pages and encoders."""
    media_turn_secret: str = ""
    """Key shared with coturn (``static-auth-secret``), for credentials that expire."""
    media_control_url: str = ""
    """Where this host reaches the media processes; empty: their public address."""
    payment_url: str = ""
    """Address of the sandbox payment provider; empty: the one inside the gateway."""
    wechat_merchant: str = ""
    """Merchant number at WeChat Pay; with it buyers pay there, and all ``WECHAT_`` variables are needed."""
    wechat_app: str = ""
    wechat_api_key: str = ""
    """The APIv3 key."""
    wechat_serial: str = ""
    """Serial number of the merchant's certificate."""
    wechat_private_key: Path | None = None
    """PEM file of the merchant's certificate (``apiclient_key.pem``)."""
    wechat_public_key: Path | None = None
    """PEM file of WeChat Pay's public key (``pub_key.pem``)."""
    wechat_public_key_id: str = ""
    wechat_url: str = "https://api.mch.weixin.qq.com"
    token_secret: str = ""
    """Shared key of tokens and internal signatures; at least 32 characters."""
    trusted_proxies: str = ""
    """Comma-separated networks whose ``X-Forwarded-For`` is believed."""
    metrics_token: str = ""
    """Who bears it reads ``/metrics`` from anywhere; others only from a private network."""
    shards: int = 16
    """Fixed at first start; 1 … 256."""
    workers: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Gateway processes of ``livecommerce up`` on this host."""
    gateway_name: str = "gateway"
    """What metrics call this gateway; different for each on a host."""
    demo: bool = False
    """Offers one-click sign-in and a seeded show. Never on with real money."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    stay_seconds: float = 20.0
    """How long a friend must stay in the room for a visit to count."""
    reward_depth: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    """Levels of sharers above a friend whose coupons a visit counts for; more than 2 are refused by law."""
    currency: str = "CNY"
    """ISO 4217 code that pages show where nothing else says one."""
    hold_seconds: int = 180
    """How long a unit is kept for a buyer before it must be paid."""
    archive_hours: Annotated[float, msgspec.Meta(ge=1)] = 24.0
    """How long after its end a show stays in the live system."""
    receipt_days: int = 7
    """An order counts as received so long after its delivery, where its buyer says nothing."""
    unheard_receipt_days: int = 15
    """The same after shipping, where no carrier tells of a delivery."""

    blocked_words: Path | None = None
    """File with a blocked word a line; without one, ``blocked-words.txt`` in the data directory."""

    rates: Path | None = None
    """TOML file with the rates; if not set, ``rates.toml`` in the data directory, which need not exist."""

    @property
    def rates_file(self) -> Path:
        """Where the rates stand."""
        return self.rates or self.data_dir / "rates.toml"

    @property
    def words_file(self) -> Path:
        """Where the blocked words stand."""
        return self.blocked_words or self.data_dir / "blocked-words.txt"

    @property
    def public_url(self) -> str:
        """The gateway's address as browsers see it."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def sql_url(self) -> str:
        """The SQL database's address for SQLAlchemy."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'livecommerce.sqlite'}"

    @property
    def ledger_address(self) -> str:
        """The ledger's address."""
        return self.ledger_url or f"sqlite:{self.data_dir / 'ledger.sqlite'}"

    @property
    def has_engine(self) -> bool:
        """Whether pictures go through somebody else's engine."""
        return "{" in self.media_url

    @property
    def serves_sandbox(self) -> bool:
        """Whether the gateway plays the payment provider itself."""
        return not (self.payment_url or self.wechat_merchant)

    @property
    def sandbox_url(self) -> str:
        """The sandbox payment provider's address."""
        return self.payment_url or f"{self.public_url}/sandbox"


class BadSetting(Exception):
    """A variable of the environment does not have the form it needs."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the variables named like the fields in capitals; unset and empty ones keep their default.

    Raises:
        BadSetting: one sentence for the operator.
    """
    given = {name: environ[name.upper()] for name in Settings.__struct_fields__ if environ.get(name.upper())}
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise BadSetting(f"The environment is not usable: {error}") from error
    missing = [name.upper() for name in _WECHAT if not getattr(settings, name)]
    if settings.wechat_merchant and missing:
        raise BadSetting(f"WeChat Pay also needs {', '.join(missing)}.")
    return settings


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables from which a child process reads the same settings."""
    values = msgspec.to_builtins(settings, enc_hook=str)
    return {name.upper(): _variable(value) for name, value in values.items()}


def _variable(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


_WECHAT = (
    "wechat_app",
    "wechat_api_key",
    "wechat_serial",
    "wechat_private_key",
    "wechat_public_key",
    "wechat_public_key_id",
)


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)
