"""The ledger as a webhook: ``https://host/path#secret=whsec_…``, by Standard Webhooks 1.0.

An entry is a message; its id is the entry's, the same on every attempt, and the receiver deduplicates by it.
Options stand in the address's fragment, which is never sent. Answers: 2xx applied, 208 duplicate, 409
conflict, 400 or 422 rejected, 410 stop for good; everything else, a redirect too, is tried again later, after
``Retry-After`` where it is given. Addresses that are not public are refused unless the fragment has
``allow_private=1``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import parse_qs

import httpx
import msgspec
from msgspec import Struct
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from livecommerce.ledger.backend import (
    Balance,
    CannotTell,
    Health,
    LedgerAway,
    LedgerBackend,
    Outcome,
    Posted,
)
from livecommerce.ledger.entry import Entry, defect

TIMEOUT_SECONDS = 20.0
AT_ONCE = 8
STOPPED_MS = 3_600_000
"""After 410 Gone the relay is told to come back this late; only a restart sends again."""

_FINAL = {208: Outcome.DUPLICATE, 400: Outcome.REJECTED, 409: Outcome.CONFLICT, 422: Outcome.REJECTED}


class _Message(Struct, frozen=True, kw_only=True):
    """Standard Webhooks' payload."""

    type: str
    timestamp: str
    data: Entry


class PrivateAddress(Exception):
    """The receiver's name leads to an address that is not public."""


async def open_https(url: str) -> LedgerBackend:
    """Prepares the webhook; nothing is sent before the first entry.

    Raises:
        LedgerAway: the address is not usable; the message says why.
    """
    address, _, fragment = url.partition("#")
    options = {name: values[-1] for name, values in parse_qs(fragment).items()}
    private = options.get("allow_private") == "1"
    target = httpx.URL(address)
    if target.scheme != "https" and not private:
        raise LedgerAway("a webhook that is not https needs allow_private=1")
    try:
        signer = Webhook(options.get("secret", "").replace(" ", "+"))
    except (ValueError, RuntimeError, EmptyWebhookSecretError) as error:
        raise LedgerAway(f"the address needs #secret=whsec_…: {error}") from error
    return HttpsLedger(target, signer, allow_private=private)


class HttpsLedger:
    """Implements ``LedgerBackend`` for a receiver that only takes entries."""

    def __init__(self, target: httpx.URL, signer: Webhook, *, allow_private: bool) -> None:
        self._target = target
        self._signer = signer
        self._allow_private = allow_private
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._stopped = False
        self._trouble = ""

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        """Sends entries: those of one order one after the other, eight orders at a time.

        Once the receiver cannot be reached, the rest of the batch is not tried.
        """
        by_order: dict[str, list[int]] = defaultdict(list)
        for index, entry in enumerate(batch):
            by_order[entry.order].append(index)
        answers: dict[int, Posted] = {}
        slots, away = asyncio.Semaphore(AT_ONCE), asyncio.Event()

        async def post_order(indexes: Sequence[int]) -> None:
            async with slots:
                for index in indexes:
                    answers[index] = await self._post_one(batch[index], away)

        async with asyncio.TaskGroup() as group:
            for indexes in by_order.values():
                group.create_task(post_order(indexes))
        return [answers[index] for index in range(len(batch))]

    async def lookup(self, order: str) -> Sequence[Entry]:
        """Not to be had from a receiver."""
        self._cannot_tell(f"order {order}")

    async def recent(self, limit: int) -> Sequence[Entry]:
        """Not to be had from a receiver."""
        self._cannot_tell(f"the last {limit} entries")

    async def scan(self, owner: str = "") -> AsyncIterator[Entry]:
        """Not to be had from a receiver."""
        self._cannot_tell(f"the entries of {owner}" if owner else "all entries")
        yield

    async def trial_balance(self) -> Sequence[Balance]:
        """Not to be had from a receiver."""
        self._cannot_tell("the balance")

    async def health(self) -> Health:
        """Whether the last message was taken; a receiver cannot be asked without sending one."""
        return Health(backend=self._target.scheme, healthy=not self._trouble, detail=self._trouble)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _post_one(self, entry: Entry, away: asyncio.Event) -> Posted:
        reason = defect(entry)
        if reason:
            return Posted(outcome=Outcome.REJECTED, reason=reason)
        if self._stopped:
            return Posted(outcome=Outcome.RETRY, reason=self._trouble, retry_after_ms=STOPPED_MS)
        if away.is_set():
            return Posted(outcome=Outcome.RETRY, reason=self._trouble)
        try:
            response = await self._send(entry)
        except (httpx.HTTPError, PrivateAddress, OSError) as error:
            away.set()
            self._trouble = f"the receiver cannot be reached: {type(error).__name__} {error}"
            return Posted(outcome=Outcome.RETRY, reason=self._trouble)
        return self._judge(response)

    async def _send(self, entry: Entry) -> httpx.Response:
        at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
        body = msgspec.json.encode(
            _Message(type="ledger.entry", timestamp=at.isoformat(), data=entry)
        ).decode()
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "host": self._target.netloc.decode(),
            "webhook-id": entry.entry,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(entry.entry, now, body),
        }
        place = self._target.copy_with(host=await self._resolve())
        return await self._http.post(
            place, content=body, headers=headers, extensions={"sni_hostname": self._target.host}
        )

    async def _resolve(self) -> str:
        """The address to connect to: the very one that was checked, so that no second lookup can differ."""
        port = self._target.port or (443 if self._target.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._target.host, port, type=socket.SOCK_STREAM)
        addresses = [str(item[4][0]) for item in found]
        if not self._allow_private and not all(_is_public(address) for address in addresses):
            raise PrivateAddress(f"{self._target.host} leads to an address that is not public")
        return addresses[0]

    def _judge(self, response: httpx.Response) -> Posted:
        status = response.status_code
        if status in _FINAL:
            self._trouble = ""
            reason = "" if status == 208 else f"the receiver answered {status}"
            return Posted(outcome=_FINAL[status], reason=reason)
        if response.is_success:
            self._trouble = ""
            return Posted(outcome=Outcome.APPLIED)
        self._stopped = status == 410
        self._trouble = "the receiver wants no more (410 Gone)" if status == 410 else f"it answered {status}"
        wait = STOPPED_MS if status == 410 else retry_after_ms(response.headers.get("retry-after", ""))
        return Posted(outcome=Outcome.RETRY, reason=self._trouble, retry_after_ms=wait)

    def _cannot_tell(self, what: str) -> NoReturn:
        raise CannotTell(f"a webhook only takes entries; ask the system behind it for {what}")


def retry_after_ms(value: str, now: datetime | None = None) -> int:
    """How long a ``Retry-After`` header asks to wait, by seconds or by date; 0 where it says nothing."""
    if value.isdigit():
        return int(value) * 1000
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0
    return max(0, int((at - (now or datetime.now(UTC))).total_seconds() * 1000))


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_global and not ip.is_multicast
