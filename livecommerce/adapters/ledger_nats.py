"""The ledger as a NATS JetStream stream: ``nats://host:4222``, an entry a message, in CloudEvents' envelope.

Each entry has a subject of its own, ``livecommerce.ledger.<order>.<entry>``, and is published on the
condition that this subject is still empty. So the server itself counts an entry once, for as long as the
stream keeps it, and not only within a duplicate window. The stream is made if it is missing: on file, nothing
deleted, purged or aged out. How soon a message is on disk is the server's ``sync_interval``; with ``always``
an acknowledged one survives a power cut.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import nats
from msgspec import Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from livecommerce.ledger.accounts import accounts_of
from livecommerce.ledger.backend import Balance, Health, LedgerAway, LedgerBackend, Outcome, Posted
from livecommerce.ledger.entry import Entry, content_hash, defect

STREAM = "LIVECOMMERCE_LEDGER"
SUBJECTS = "livecommerce.ledger"
CONNECT_SECONDS = 5.0
PAGE = 500

_WRONG_LAST_SEQUENCE = 10071
"""JetStream's error code: the subject is not empty."""
_AWAY = (NatsError, OSError, asyncio.TimeoutError)


class _Envelope(Struct, frozen=True, kw_only=True):
    """CloudEvents 1.0, structured JSON."""

    id: str
    subject: str
    time: str
    data: Entry
    specversion: str = "1.0"
    source: str = "livecommerce"
    type: str = "livecommerce.ledger.entry.v1"
    datacontenttype: str = "application/json"


async def open_nats(url: str) -> LedgerBackend:
    """Opens the ledger; the stream is made if it is missing.

    Raises:
        LedgerAway: the server cannot be reached, or has no JetStream.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            client = await nats.connect(url, max_reconnect_attempts=-1, error_cb=_quiet)
    except _AWAY as error:
        raise LedgerAway(f"NATS is away: {_reason(error)}") from error
    try:
        await client.jetstream().add_stream(_stream())
    except _AWAY as error:
        await client.close()
        raise LedgerAway(f"JetStream: {_reason(error)}") from error
    return NatsLedger(client)


class NatsLedger:
    """Implements ``LedgerBackend``; closes the client when it is closed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stream = client.jetstream()

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        """Publishes entries; those of different orders at the same time."""
        by_order: dict[str, list[int]] = defaultdict(list)
        for index, entry in enumerate(batch):
            by_order[entry.order].append(index)
        answers: dict[int, Posted] = {}

        async def post_order(indexes: Sequence[int]) -> None:
            for index in indexes:
                answers[index] = await self._post_one(batch[index])

        async with asyncio.TaskGroup() as group:
            for indexes in by_order.values():
                group.create_task(post_order(indexes))
        return [answers[index] for index in range(len(batch))]

    async def lookup(self, order: str) -> Sequence[Entry]:
        """An order's entries, message by message."""
        return [entry async for entry in self._messages(f"{SUBJECTS}.{order}.*")]

    async def recent(self, limit: int) -> Sequence[Entry]:
        """The last messages of the stream."""
        last = (await self._info()).state.last_seq
        found = [entry async for entry in self._messages(f"{SUBJECTS}.>", max(1, last - limit + 1))]
        return found[::-1][:limit]

    async def scan(self, owner: str = "") -> AsyncIterator[Entry]:
        """The whole stream as it is now, or what of it touches an owner's accounts."""
        accounts = frozenset(accounts_of(owner))
        async for entry in self._stream_entries():
            if not owner or any(posting.account in accounts for posting in entry.postings):
                yield entry

    async def _stream_entries(self) -> AsyncIterator[Entry]:
        """All entries, by an ordered consumer that leaves nothing behind."""
        left = (await self._info()).state.messages
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=60)
        try:
            subscription = await self._stream.pull_subscribe(f"{SUBJECTS}.>", stream=STREAM, config=config)
            while left > 0:
                page = await subscription.fetch(min(left, PAGE), timeout=5)
                left -= len(page)
                for message in page:
                    yield _entry(message.data)
            await subscription.unsubscribe()
        except _AWAY as error:
            raise LedgerAway(f"NATS is away: {_reason(error)}") from error

    async def trial_balance(self) -> Sequence[Balance]:
        """Adds up the whole stream."""
        debits: Counter[tuple[str, str]] = Counter()
        credits: Counter[tuple[str, str]] = Counter()
        async for entry in self.scan():
            for posting in entry.postings:
                debits[entry.currency, posting.account] += posting.debit_minor
                credits[entry.currency, posting.account] += posting.credit_minor
        return [
            Balance(
                account=account,
                currency=currency,
                debit_minor=debits[currency, account],
                credit_minor=credits[currency, account],
            )
            for currency, account in sorted(debits)
        ]

    async def health(self) -> Health:
        """Whether the stream answers."""
        try:
            info = await self._info()
        except LedgerAway as error:
            return Health(backend="nats", healthy=False, detail=str(error))
        return Health(backend="nats", healthy=True, entries=info.state.messages)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._client.close()

    async def _post_one(self, entry: Entry) -> Posted:
        reason = defect(entry)
        if reason or not entry.order.isalnum():
            return Posted(outcome=Outcome.REJECTED, reason=reason or f"{entry.order!r} is no order id")
        subject = f"{SUBJECTS}.{entry.order}.{entry.entry}"
        headers = {"Nats-Expected-Last-Subject-Sequence": "0", "Content-Type": "application/cloudevents+json"}
        try:
            await self._stream.publish(subject, _envelope(entry), stream=STREAM, headers=headers)
        except APIError as error:
            if error.err_code == _WRONG_LAST_SEQUENCE:
                return await self._compare(subject, entry)
            return Posted(outcome=Outcome.RETRY, reason=f"JetStream: {error.description}")
        except _AWAY as error:
            return Posted(outcome=Outcome.RETRY, reason=f"NATS is away: {_reason(error)}")
        return Posted(outcome=Outcome.APPLIED)

    async def _compare(self, subject: str, entry: Entry) -> Posted:
        """What is there under this id decides: the same content, or a conflict."""
        try:
            stored = await self._stream.get_msg(STREAM, subject=subject)
        except _AWAY as error:
            return Posted(outcome=Outcome.RETRY, reason=f"NATS is away: {_reason(error)}")
        if content_hash(_entry(stored.data)) == content_hash(entry):
            return Posted(outcome=Outcome.DUPLICATE)
        return Posted(outcome=Outcome.CONFLICT, reason=f"entry {entry.entry} is there with other content")

    async def _messages(self, subject: str, start: int = 1) -> AsyncIterator[Entry]:
        try:
            while True:
                message = await self._stream.get_msg(STREAM, seq=start, subject=subject, next=True)
                yield _entry(message.data)
                start = (message.seq or start) + 1
        except NotFoundError:
            return
        except _AWAY as error:
            raise LedgerAway(f"NATS is away: {_reason(error)}") from error

    async def _info(self) -> Any:
        try:
            return await self._stream.stream_info(STREAM)
        except _AWAY as error:
            raise LedgerAway(f"NATS is away: {_reason(error)}") from error


def _stream() -> StreamConfig:
    return StreamConfig(
        name=STREAM,
        subjects=[f"{SUBJECTS}.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        deny_delete=True,
        deny_purge=True,
    )


def _envelope(entry: Entry) -> bytes:
    at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
    envelope = _Envelope(id=entry.entry, subject=entry.order, time=at.isoformat(), data=entry)
    return msgspec.json.encode(envelope)


def _entry(data: bytes | None) -> Entry:
    return msgspec.json.decode(data or b"", type=_Envelope).data


def _reason(error: BaseException) -> str:
    if isinstance(error, (NatsTimeoutError, TimeoutError)):
        return "no answer in time"
    return str(error) or type(error).__name__


async def _quiet(_error: Exception) -> None:
    """The client reconnects by itself; a post or a health check tells of the trouble."""
