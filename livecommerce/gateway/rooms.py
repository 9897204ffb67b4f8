"""The rooms that this gateway serves, loaded once each and let go when they stay empty."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from livecommerce.errors import Unavailable
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.room.bus import Bus
from livecommerce.room.live import LoadedRoom, RoomStore
from livecommerce.room.presence import BEAT_SECONDS, PresenceStore

IDLE_SECONDS = 30.0
TIDY_SECONDS = 1.0
"""How often rooms that missed something try again, and empty ones are looked for."""

log = logging.getLogger(__name__)


class Rooms:
    """Room id → served room."""

    def __init__(
        self,
        store: RoomStore,
        presence: PresenceStore,
        bus: Bus,
        node: str,
        serve: Callable[[LoadedRoom], ServedRoom],
    ) -> None:
        self._store = store
        self._presence = presence
        self._bus = bus
        self._node = node
        self._serve = serve
        self._served: dict[str, ServedRoom] = {}
        self._loading: dict[str, asyncio.Task[ServedRoom]] = {}

    def __iter__(self) -> Iterator[ServedRoom]:
        return iter(tuple(self._served.values()))

    def find(self, room: str) -> ServedRoom | None:
        """The room, if it is served already."""
        return self._served.get(room)

    async def get(self, room: str) -> ServedRoom:
        """The room, loaded if need be; many who ask at once cause one load.

        Raises:
            NotFound: there is no such room.
            Unavailable: it cannot be loaded now.
        """
        served = self._served.get(room)
        if served is not None:
            return served
        task = self._loading.get(room)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(room))
            self._loading[room] = task
            task.add_done_callback(lambda _: self._loading.pop(room, None))
        return await asyncio.shield(task)

    async def _load(self, room: str) -> ServedRoom:
        served = self._serve(await self._store.load(room))
        await self._bus.subscribe(room, served.hear)
        try:
            await served.catch_up()  # what was appended between the load and the subscription
            await served.recall()
        except BaseException:
            await self._bus.unsubscribe(room)
            raise
        self._served[room] = served
        served.idle_since = asyncio.get_running_loop().time()
        return served

    def all_behind(self) -> None:
        """The subscription was away: every room may have missed something."""
        for served in self._served.values():
            served.fall_behind()

    async def _catch_up(self) -> None:
        """Rooms that may have missed something read it; where that fails, again at the next beat."""
        for served in tuple(self._served.values()):
            if served.behind:
                try:
                    await served.catch_up()
                except Unavailable:
                    log.info("room %s catches up later", served.live.room)

    async def run(self) -> None:
        """Until cancelled: reports presence, and beside it catches up and lets empty rooms go."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_beating())
            group.create_task(self._keep_tidy())

    async def _keep_beating(self) -> None:
        """Nothing else waits in this loop: who beats late is taken for dead."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due = max(due + BEAT_SECONDS, clock())
            await asyncio.sleep(due - clock())
            await self._beat()

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            await self._catch_up()
            await self._let_go()

    async def _beat(self) -> None:
        here = {room: served.presence.take(len(served.fanout)) for room, served in self._served.items()}
        if not here:
            return
        try:
            totals = await self._presence.beat(self._node, here)
        except Unavailable:
            totals = {}
        for room, reported in here.items():
            served, total = self._served.get(room), totals.get(room)
            if served is None:
                continue  # it was let go meanwhile
            if total is None:
                served.presence.give_back(reported)
            else:
                served.count(total)

    async def _let_go(self) -> None:
        now = asyncio.get_running_loop().time()
        for room, served in tuple(self._served.items()):
            if served.idle_since is not None and now - served.idle_since > IDLE_SECONDS:
                del self._served[room]
                served.close()
                await self._bus.unsubscribe(room)

    def close(self) -> None:
        """Stops all ticks."""
        for served in self._served.values():
            served.close()
