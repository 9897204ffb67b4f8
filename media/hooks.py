"""Signed calls to the gateway (Standard Webhooks): a room knows its picture by them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

import httpx
import orjson
from standardwebhooks import Webhook

from media.events import StreamEvent

logger = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 10.0
MAX_ATTEMPTS = 40
TIMEOUT_SECONDS = 5.0
DRAIN_SECONDS = 2.0
GONE = 410


def webhook_key(purpose: str, token_secret: str) -> str:
    """Return the signing key for one direction, derived from the key that signs tokens."""
    digest = hashlib.sha256(f"{purpose}:{token_secret}".encode()).digest()
    return "whsec_" + base64.b64encode(digest).decode()


def hook_key(token_secret: str) -> str:
    """Return the key our own calls to the gateway are signed with."""
    return webhook_key("media-hook", token_secret)


def _repeats(event: StreamEvent, before: StreamEvent) -> bool:
    return (event.type, event.stream) == (before.type, before.stream)


class Hooks:
    """Delivers events at least once and in order within a seat.

    An event is tried again with growing delays for some minutes, then given up, so that a gateway
    which is gone for good does not hold back the seat. `webhook-id` stays the same over attempts.
    Where the gateway answers 410, nobody may publish there any more: `on_gone` hears of it.
    """

    def __init__(self, url: str, token_secret: str, client: httpx.AsyncClient) -> None:
        self.failed = 0
        self.on_gone: Callable[[StreamEvent], None] = lambda _: None
        self._url = url
        self._webhook = Webhook(hook_key(token_secret))
        self._client = client
        self._queues: dict[tuple[str, str], list[StreamEvent]] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def send(self, event: StreamEvent) -> None:
        """Queue an event; without an address nothing is sent."""
        if not self._url:
            return
        seat = (event.room, event.seat)
        waiting = self._queues.setdefault(seat, [])
        if waiting and (event.type == "stream.alive" or _repeats(event, waiting[-1])):
            return  # what waits in front says more, and the next one comes soon
        waiting.append(event)
        if seat not in self._tasks:
            self._tasks[seat] = asyncio.get_running_loop().create_task(self._deliver(seat))

    async def close(self) -> None:
        """Give what is queued a moment to leave, then stop."""
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._client.aclose()

    async def _deliver(self, seat: tuple[str, str]) -> None:
        try:
            while self._queues[seat]:
                await self._deliver_one(self._queues[seat][0])
                del self._queues[seat][0]
        finally:
            del self._queues[seat], self._tasks[seat]

    async def _deliver_one(self, event: StreamEvent) -> None:
        message = f"msg_{secrets.token_hex(12)}"
        body = orjson.dumps(asdict(event)).decode()
        delay = FIRST_DELAY_SECONDS
        for _ in range(MAX_ATTEMPTS):
            if await self._post(message, body, event) or event.type == "stream.alive":
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, MAX_DELAY_SECONDS)
        self.failed += 1
        logger.error("gave up telling the gateway %s of %s/%s", event.type, event.room, event.seat)

    async def _post(self, message: str, body: str, event: StreamEvent) -> bool:
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(msg_id=message, timestamp=at, data=body),
        }
        try:
            response = await self._client.post(
                self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except httpx.HTTPError as error:
            logger.warning("the gateway's hook address cannot be reached: %s", error)
            return False
        if response.status_code == GONE:
            self.on_gone(event)
            return True
        return response.is_success
