"""Keeps the plan and the live rooms in step: a planned show has a room, a live one is noted as live.

Idempotent, and safe with any number of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from livecommerce.accounts import AccountStore
from livecommerce.room.cards import RoomState
from livecommerce.room.glance import LiveRooms
from livecommerce.room.live import RoomStore
from livecommerce.room.plan import room_of
from livecommerce.schedule.show import Show
from livecommerce.schedule.store import ScheduleStore
from livecommerce.worker.backoff import step_every

TICK_SECONDS = 1.0

log = logging.getLogger(__name__)


class ShowPhases:
    """Reads what rooms have become and writes it into the schedule."""

    def __init__(
        self, schedule: ScheduleStore, rooms: RoomStore, live: LiveRooms, accounts: AccountStore
    ) -> None:
        self._schedule = schedule
        self._rooms = rooms
        self._live = live
        self._accounts = accounts

    async def run(self) -> None:
        """Steps until cancelled."""
        await step_every(TICK_SECONDS, self.step, log, "show phases wait")

    async def step(self) -> None:
        """Brings every show that has not ended up to date."""
        shows = await self._schedule.unfinished()
        glances = await self._live.look([show.room for show in shows])
        await self._open_rooms([show for show in shows if show.room not in glances])
        for show in shows:
            if show.room in glances:
                await self._note(show, glances[show.room].state)

    async def _open_rooms(self, shows: Sequence[Show]) -> None:
        """Creates rooms that are missing: the process that planned the show died, or live state was lost."""
        if shows:
            names = await self._accounts.names_of([show.host for show in shows])
            for show in shows:
                await self._rooms.create(room_of(show, names.get(show.host, "")))

    async def _note(self, show: Show, state: RoomState) -> None:
        if state.started_ms is not None and show.phase == "scheduled":
            await self._schedule.show_started(show.room, state.started_ms)
        if state.ended_ms is not None:
            await self._schedule.show_ended(show.room, state.ended_ms)
