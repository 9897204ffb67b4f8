"""The environment of a media process, read once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from media.client_address import Network, parse_networks
from media.errors import InvalidSettings

MIN_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """How one media process is reached and whom it trusts.

    `advertise` are the addresses written into candidates; port 0 means any free port.
    """

    token_secret: str
    host: str = "127.0.0.1"
    port: int = 8001
    udp_port: int = 8002
    ice_tcp: bool = True
    advertise: tuple[str, ...] = ("127.0.0.1",)
    hook_url: str = ""
    ice_servers: tuple[str, ...] = ()
    turn_secret: str = ""
    max_viewers: int = 1000
    max_guests_per_address: int = 200
    metrics_token: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    siblings: tuple[str, ...] = ()
    process: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the variables of docs/media.md; raise `InvalidSettings` with a sentence to act upon."""
        secret = environment.get("TOKEN_SECRET", "")
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise InvalidSettings(
                f"TOKEN_SECRET must be the key the gateway signs with, at least {MIN_SECRET_BYTES} bytes."
            )
        siblings = _items(environment.get("MEDIA_SIBLINGS", ""))
        return cls(
            token_secret=secret,
            host=environment.get("MEDIA_HOST", "127.0.0.1"),
            port=_port(environment, "MEDIA_PORT", 8001),
            udp_port=_port(environment, "MEDIA_UDP_PORT", 8002),
            ice_tcp=_switch(environment, "MEDIA_ICE_TCP"),
            advertise=_addresses(environment.get("MEDIA_ADVERTISE", "127.0.0.1")),
            hook_url=environment.get("MEDIA_HOOK_URL", ""),
            turn_secret=environment.get("MEDIA_TURN_SECRET", ""),
            ice_servers=_items(environment.get("MEDIA_ICE_SERVERS", "")),
            max_viewers=_count(environment, "MEDIA_MAX_VIEWERS", 1000),
            max_guests_per_address=_count(environment, "MEDIA_MAX_GUESTS_PER_ADDRESS", 200),
            metrics_token=environment.get("METRICS_TOKEN", ""),
            siblings=siblings,
            process=_place(environment.get("MEDIA_PROCESS", "0"), siblings),
            trusted_proxies=_networks(environment.get("TRUSTED_PROXIES", "")),
        )


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _switch(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "1")
    if text not in ("0", "1"):
        raise InvalidSettings(f"{name} must be 0 or 1, not {text!r}.")
    return text == "1"


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or int(text) > 0xFFFF:
        raise InvalidSettings(f"{name} must be a port number from 0 to 65535, not {text!r}.")
    return int(text)


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise InvalidSettings(f"{name} must be a number from 1 on, not {text!r}.")
    return int(text)


def _place(text: str, siblings: tuple[str, ...]) -> int:
    if not text.isdecimal() or int(text) >= max(1, len(siblings)):
        raise InvalidSettings("MEDIA_PROCESS must be this process's place in MEDIA_SIBLINGS, from 0 on.")
    return int(text)


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return parse_networks(_items(text))
    except ValueError:
        raise InvalidSettings(f"TRUSTED_PROXIES must be addresses and networks, not {text!r}.") from None


def _addresses(text: str) -> tuple[str, ...]:
    addresses = _items(text)
    if not addresses:
        raise InvalidSettings("MEDIA_ADVERTISE must name at least one IP address.")
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise InvalidSettings(f"MEDIA_ADVERTISE must be IP addresses, not {address!r}.") from None
    return addresses
