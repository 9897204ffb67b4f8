"""The bus on sharded publish/subscribe: one reader for each server that holds rooms.

``run`` keeps every room's channel subscribed where its slot is: after a lost connection, after a failover,
and when a slot moves. What was published in between is lost, so the rooms are told to catch up, once they
surely hear again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from redis.exceptions import ClusterDownError, RedisError

from livecommerce.adapters.redis_connection import AWAY, Connection, tag, tag_of
from livecommerce.adapters.redis_subscriber import RETRY_SECONDS, Subscriber
from livecommerce.errors import Unavailable
from livecommerce.ids import new_id, shard_names
from livecommerce.room.bus import Listener, Publication

CONFIRM_SECONDS = 5.0
LOOK_SECONDS = 5.0
"""How often subscriptions are compared with the slots where nothing has called for it."""

TAGS = tuple(tag(shard) for shard in shard_names(256))

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(Publication).decode
_encode = msgspec.json.encode


class RedisBus:
    """Subscriptions of one gateway."""

    def __init__(self, redis: Connection, on_reconnect: Callable[[], None]) -> None:
        self._redis = redis
        self._on_reconnect = on_reconnect
        self._listeners: dict[bytes, Listener] = {}
        self._early: dict[bytes, Listener] = {}
        """Those whose subscription is not confirmed yet."""
        self._subscribers: dict[Connection, Subscriber] = {}
        self._readers: dict[Connection, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._news = asyncio.Event()
        self._name = new_id()

    @property
    def connected(self) -> bool:
        """Whether every room of every server can be heard."""
        readers = self._subscribers.values()
        return bool(readers) and all(subscriber.connected for subscriber in readers)

    async def ready(self) -> None:
        """Returns when it is connected."""
        while not self.connected:
            await self._news.wait()

    async def subscribe(self, room: str, listener: Listener) -> None:
        """Calls the listener for each publication from the time this returns."""
        channel = _channel(room)
        self._early[channel] = listener
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await self._hear(channel)
        except (*AWAY, RedisError) as error:
            raise Unavailable("redis_away") from error
        else:
            self._listeners[channel] = listener
        finally:
            self._early.pop(channel, None)

    async def unsubscribe(self, room: str) -> None:
        """Stops calling."""
        channel = _channel(room)
        self._listeners.pop(channel, None)
        for subscriber in self._subscribers.values():
            if channel in subscriber.channels:
                await subscriber.unsubscribe(channel)

    async def publish(self, room: str, publication: Publication) -> None:
        """Tells every gateway that serves the room."""
        try:
            await self._spublish(_channel(room), _encode(publication))
        except (*AWAY, RedisError) as error:
            raise Unavailable("redis_away") from error

    async def run(self) -> None:
        """Keeps the subscriptions until cancelled."""
        try:
            while True:
                self._changed.clear()
                try:
                    await self._settle()
                except (*AWAY, RedisError) as error:
                    log.warning("subscriptions wait: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                await _wait(self._changed, LOOK_SECONDS)
        finally:
            for reader in self._readers.values():
                reader.cancel()
            await asyncio.gather(*self._readers.values(), return_exceptions=True)

    # ------------------------------------------------------------ where rooms are heard

    async def _settle(self) -> None:
        """Has a reader at each server, and each room's channel at the server of its slot."""
        await self._keep_readers(await self._homes())
        astray = [channel for channel in tuple(self._listeners) if not await self._is_heard(channel)]
        results = await asyncio.gather(*(self._place(channel) for channel in astray), return_exceptions=True)
        if any(result is True for result in results):
            self._on_reconnect()

    async def _homes(self) -> dict[Connection, str]:
        """Each server that can hold rooms, and a tag that is there."""
        homes: dict[Connection, str] = {}
        for where in TAGS:
            try:
                homes.setdefault(await self._redis.server_of(where), where)
            except ClusterDownError:
                continue
        return homes

    async def _keep_readers(self, homes: dict[Connection, str]) -> None:
        for server, where in homes.items():
            if server not in self._readers:
                probe = f"{where}:probe:{self._name}".encode()
                subscriber = Subscriber(server, probe, self._echo, self._deliver, self._note_change)
                self._subscribers[server] = subscriber
                self._readers[server] = asyncio.create_task(subscriber.run())
        for server in self._readers.keys() - homes.keys():
            await self._leave(server)

    async def _leave(self, server: Connection) -> None:
        del self._subscribers[server]
        reader = self._readers.pop(server)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)

    async def _is_heard(self, channel: bytes) -> bool:
        try:
            subscriber = self._subscribers.get(await self._redis.server_of(channel))
        except ClusterDownError:
            return False
        return subscriber is not None and channel in subscriber.channels

    async def _place(self, channel: bytes) -> bool:
        """Whether it is heard again."""
        subscriber = self._subscribers.get(await self._redis.server_of(channel))
        if subscriber is None or not subscriber.connected:
            return False
        async with asyncio.timeout(CONFIRM_SECONDS):
            await subscriber.subscribe(channel)
        return True

    async def _hear(self, channel: bytes) -> None:
        while True:
            news = self._news
            if await self._place(channel):
                return
            await news.wait()

    def _note_change(self) -> None:
        self._redis.doubt()
        self._changed.set()
        news, self._news = self._news, asyncio.Event()
        news.set()

    # ------------------------------------------------------------ messages

    async def _echo(self, probe: bytes) -> None:
        await self._spublish(probe, b"")

    async def _spublish(self, channel: bytes, data: bytes) -> None:
        await self._redis.execute_command("SPUBLISH", channel, data)  # type: ignore[no-untyped-call]

    def _deliver(self, channel: bytes, data: bytes) -> None:
        listener = self._listeners.get(channel) or self._early.get(channel)
        if listener is None:
            return
        try:
            listener(_decode(data))
        except msgspec.DecodeError:
            log.exception("a publication that this version does not understand")
        except Exception:
            log.exception("a room could not take a publication in")


def _channel(room: str) -> bytes:
    return f"{tag_of(room)}:room:{room}".encode()


async def _wait(event: asyncio.Event, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
