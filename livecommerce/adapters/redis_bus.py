"""The bus on sharded publish/subscribe: one connection reads, all rooms of this gateway share it.

``run`` owns the connection. A subscription can be dead behind a healthy connection, so it publishes
to itself through the real path; where the echo stays away, the connection is made anew. After every
new connection each room is told, because what was published in between is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec
from redis.asyncio.client import PubSub

from livecommerce.adapters.redis_connection import AWAY, Connection, tag, tag_of
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard, new_id
from livecommerce.room.bus import Listener, Publication

PROBE_SECONDS = 5.0
CONFIRM_SECONDS = 5.0
RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(Publication).decode
_encode = msgspec.json.encode


class RedisBus:
    """Subscriptions of one gateway."""

    def __init__(self, redis: Connection, on_reconnect: Callable[[], None]) -> None:
        self._redis = redis
        self._on_reconnect = on_reconnect
        self._listeners: dict[bytes, Listener] = {}
        self._pubsub: PubSub | None = None
        self._probe = f"{tag(Shard('00'))}:probe:{new_id()}".encode()
        self._echoed = asyncio.Event()
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self.connected = False

    async def subscribe(self, room: str, listener: Listener) -> None:
        """Calls the listener for each publication from the time this returns."""
        channel = _channel(room)
        if self._pubsub is None:
            raise Unavailable("redis_away")
        self._listeners[channel] = listener
        confirmed = self._confirmed.setdefault(channel, asyncio.get_running_loop().create_future())
        try:
            await self._pubsub.ssubscribe(channel)
            await asyncio.wait_for(asyncio.shield(confirmed), CONFIRM_SECONDS)
        except (*AWAY, TimeoutError) as error:
            self._listeners.pop(channel, None)
            raise Unavailable("redis_away") from error
        finally:
            self._confirmed.pop(channel, None)

    async def unsubscribe(self, room: str) -> None:
        """Stops calling."""
        channel = _channel(room)
        self._listeners.pop(channel, None)
        if self._pubsub is not None:
            try:
                await self._pubsub.sunsubscribe(channel)
            except AWAY:
                log.info("unsubscribing while the server is away")

    async def publish(self, room: str, publication: Publication) -> None:
        """Tells every gateway that serves the room."""
        try:
            await self._spublish(_channel(room), _encode(publication))
        except AWAY as error:
            raise Unavailable("redis_away") from error

    async def run(self) -> None:
        """Reads until cancelled, reconnecting as often as needed."""
        while True:
            pubsub = self._redis.pubsub()
            try:
                await pubsub.ssubscribe(self._probe, *self._listeners)
                self._pubsub, self.connected = pubsub, True
                self._on_reconnect()
                await self._read_while_echoing(pubsub)
            except AWAY as error:
                log.warning("subscriptions lost: %s", error)
            finally:
                self._pubsub, self.connected = None, False
                await _close_quietly(pubsub)
            await asyncio.sleep(RETRY_SECONDS)

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
                    await self._spublish(self._probe, b"")
                    await self._echoed.wait()
            except TimeoutError as error:
                raise ConnectionError("the subscription is dead behind its connection") from error
            await asyncio.sleep(PROBE_SECONDS)

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is None:
                continue
            channel = message["channel"]
            if message["type"] == "ssubscribe":
                if (confirmed := self._confirmed.get(channel)) is not None and not confirmed.done():
                    confirmed.set_result(None)
            elif channel == self._probe:
                self._echoed.set()
            elif (listener := self._listeners.get(channel)) is not None:
                self._deliver(listener, message["data"])

    async def _spublish(self, channel: bytes, data: bytes) -> None:
        await self._redis.execute_command("SPUBLISH", channel, data)  # type: ignore[no-untyped-call]

    def _deliver(self, listener: Listener, data: bytes) -> None:
        try:
            listener(_decode(data))
        except msgspec.DecodeError:
            log.exception("a publication that this version does not understand")
        except Exception:
            log.exception("a room could not take a publication in")


def _channel(room: str) -> bytes:
    return f"{tag_of(room)}:room:{room}".encode()


async def _close_quietly(pubsub: PubSub) -> None:
    try:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
    except AWAY:
        log.debug("closing a lost subscription")
