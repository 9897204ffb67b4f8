"""Takes pictures off whose media process died without a word: nobody else would ever say that they ended.

Any number of workers may run this. A picture is taken off once per incarnation; where it was there after
all, its next report shows it again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from livecommerce.clock import Clock
from livecommerce.errors import DomainError, Unavailable
from livecommerce.room.cards import StreamCard
from livecommerce.room.glance import LiveRooms
from livecommerce.room.live import RoomStore, Stale
from livecommerce.room.pictures import PictureReports
from livecommerce.room.room import fold
from livecommerce.room.stage import hide_stream
from livecommerce.schedule.store import ScheduleStore
from livecommerce.worker.backoff import keep_stepping

STEP_SECONDS = 6.0
"""Longer than the time between two reports: a picture that is silent in two steps running is gone.

One step is not enough, for after an outage of ours nothing was heard of any picture.
"""

log = logging.getLogger(__name__)

Picture = tuple[str, StreamCard]


class LostPictures:
    """One worker's watch."""

    def __init__(
        self,
        schedule: ScheduleStore,
        rooms: RoomStore,
        live: LiveRooms,
        reports: PictureReports,
        clock: Clock,
    ) -> None:
        self._schedule = schedule
        self._rooms = rooms
        self._live = live
        self._reports = reports
        self._clock = clock
        self._suspected: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Steps until cancelled."""
        await keep_stepping(self._step, 1 << 30, STEP_SECONDS, log, "lost pictures")

    async def _step(self) -> int:
        try:
            return await self.step()
        except Unavailable:
            self._suspected = set()
            raise

    async def step(self) -> int:
        """Takes off what was silent the last time too; answers how many were."""
        silent = await self._silent()
        lost = [(room, card) for room, card in silent if (room, card.stream) in self._suspected]
        self._suspected = {(room, card.stream) for room, card in silent}
        for room, card in lost:
            await self._take_off(room, card)
        return len(lost)

    async def _silent(self) -> Sequence[Picture]:
        if not await self._reports.are_heard():  # nobody is there to be told: that says nothing of pictures
            return ()
        glances = await self._live.look([show.room for show in await self._schedule.unfinished()])
        silent: list[Picture] = []
        for room, glance in glances.items():
            cards = glance.state.streams
            unheard = await self._reports.silent(room, [card.stream for card in cards]) if cards else set()
            silent += [(room, card) for card in cards if card.stream in unheard]
        return silent

    async def _take_off(self, room: str, card: StreamCard) -> None:
        """One room's trouble does not hold up the others; what is stale is looked at again."""
        try:
            loaded = await self._rooms.load(room)
            events = hide_stream(loaded.state, card.seat, card.stream, self._clock())
            if not events:
                return
            operation = f"lost:{card.stream}:{loaded.offset}"
            await self._rooms.append(
                room, operation, loaded.epoch, loaded.offset, events, fold(loaded.state, events)
            )
        except Unavailable:
            raise
        except (Stale, DomainError) as error:
            log.info("the lost picture of room %s stays for now: %r", room, error)
        else:
            log.warning(
                "seat %s of room %s has lost its picture: its media process is silent", card.seat, room
            )
