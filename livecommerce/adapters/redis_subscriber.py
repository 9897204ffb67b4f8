"""The subscriptions of one gateway at one server: one connection, read by one task.

A subscription can be dead behind a healthy connection, so the subscriber publishes to itself through the real
path; where the echo stays away, the connection is made anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError, ResponseError

from livecommerce.adapters.redis_connection import AWAY, Connection

PROBE_SECONDS = 5.0
RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


class Subscriber:
    """Hears the shard channels whose slots one server holds."""

    def __init__(
        self,
        server: Connection,
        probe: bytes,
        echo: Callable[[bytes], Any],
        on_message: Callable[[bytes, bytes], None],
        on_change: Callable[[], None],
    ) -> None:
        self._server = server
        self._probe = probe
        self._echo = echo
        self._on_message = on_message
        self._on_change = on_change
        self._pubsub: PubSub | None = None
        self._echoed = asyncio.Event()
        self._asked: dict[bytes, asyncio.Future[None]] = {}
        self.channels: set[bytes] = set()
        """What it surely hears."""
        self.connected = False

    async def subscribe(self, channel: bytes) -> None:
        """Returns when the server has confirmed.

        Raises:
            ConnectionError: the connection is lost, or the server does not hold the slot any more.
        """
        if self._pubsub is None:
            raise ConnectionError("not connected")
        asked = self._asked.setdefault(channel, asyncio.get_running_loop().create_future())
        await self._pubsub.ssubscribe(channel)
        await asyncio.shield(asked)

    async def unsubscribe(self, channel: bytes) -> None:
        """Hears it no longer."""
        self.channels.discard(channel)
        if self._pubsub is not None:
            try:
                await self._pubsub.sunsubscribe(channel)
            except AWAY:
                log.info("unsubscribing while the server is away")

    async def run(self) -> None:
        """Reads until cancelled, connecting anew as often as needed."""
        while True:
            pubsub = self._server.pubsub()
            try:
                await pubsub.ssubscribe(self._probe)
                self._pubsub = pubsub
                await self._read_while_echoing(pubsub)
            except (*AWAY, RedisError) as error:
                log.warning("subscriptions at %s lost: %s", self._server.address, error)
            finally:
                self._forget()
                await _close_quietly(pubsub)
            self._on_change()
            await asyncio.sleep(RETRY_SECONDS)

    def _forget(self) -> None:
        self._pubsub, self.connected = None, False
        self.channels.clear()
        self._refuse("connection lost")

    def _refuse(self, why: str) -> None:
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(ConnectionError(why))
                future.exception()  # nobody may be waiting any more

    async def _read_while_echoing(self, pubsub: PubSub) -> None:
        tasks = [asyncio.create_task(self._read(pubsub)), asyncio.create_task(self._probe_forever())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _probe_forever(self) -> None:
        while True:
            self._echoed.clear()
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._echo(self._probe)
                    await self._echoed.wait()
            except TimeoutError as error:
                raise ConnectionError("the subscription is dead behind its connection") from error
            if not self.connected:
                self.connected = True
                self._on_change()
            await asyncio.sleep(PROBE_SECONDS)

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            try:
                message = await pubsub.get_message(timeout=None)
            except ResponseError as error:  # the slot of something just asked for is elsewhere
                self._refuse(str(error))
                self._on_change()
                continue
            if message is not None:
                self._take(message["type"], message["channel"], message["data"])

    def _take(self, kind: str, channel: bytes, data: Any) -> None:
        if kind == "ssubscribe":
            self._confirm(channel)
        elif kind == "sunsubscribe":
            self._withdraw(channel)
        elif channel == self._probe:
            self._echoed.set()
        else:
            self._on_message(channel, data)

    def _confirm(self, channel: bytes) -> None:
        if channel == self._probe:
            return
        self.channels.add(channel)
        asked = self._asked.pop(channel, None)
        if asked is not None and not asked.done():
            asked.set_result(None)

    def _withdraw(self, channel: bytes) -> None:
        """We asked for it, or the server gave the slot away."""
        if channel == self._probe:
            raise ConnectionError("the probe's slot is elsewhere")
        if channel in self.channels:
            self.channels.discard(channel)
            self._on_change()


async def _close_quietly(pubsub: PubSub) -> None:
    try:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
    except AWAY:
        log.debug("closing a lost subscription")
