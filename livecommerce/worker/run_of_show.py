"""Carries out the run of show: the clock that puts brands' segments on air and takes them off.

Any number of workers may run this. Room commands are compared and appended under an operation that is
named for the segment, so each happens once; notes in the plan change nothing the second time. After an
absence the next step catches up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from livecommerce.accounts import AccountStore
from livecommerce.catalog import Catalog
from livecommerce.clock import Clock
from livecommerce.errors import DomainError, Unavailable
from livecommerce.ids import RoomId, new_id
from livecommerce.room import run_of_show as rules
from livecommerce.room.cards import PersonCard, ProductCard, RoomState, SegmentCard
from livecommerce.room.events import RoomEvent
from livecommerce.room.glance import LiveRooms
from livecommerce.room.live import ATTEMPTS, RoomStore, Stale
from livecommerce.room.plan import product_card, segment_card
from livecommerce.room.room import fold
from livecommerce.room.stage import EndPictures, vacated
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.store import ScheduleStore
from livecommerce.shop import Shops
from livecommerce.worker.backoff import step_every

TICK_SECONDS = 0.5
MOST_IN_A_ROW = 8
"""Rounds for one room and step; what is left then waits for the next."""

log = logging.getLogger(__name__)

Decide = Callable[[RoomState], Sequence[RoomEvent]]


class RunOfShow:
    """One worker's clock."""

    def __init__(
        self,
        schedule: ScheduleStore,
        rooms: RoomStore,
        live: LiveRooms,
        catalog: Catalog,
        shops: Shops,
        people: AccountStore,
        clock: Clock,
        end_pictures: EndPictures,
    ) -> None:
        self._schedule = schedule
        self._rooms = rooms
        self._live = live
        self._catalog = catalog
        self._shops = shops
        self._people = people
        self._clock = clock
        self._end_pictures = end_pictures

    async def run(self) -> None:
        """Steps until cancelled."""
        await step_every(TICK_SECONDS, self.step, log, "the run of show waits")

    async def step(self) -> None:
        """Does what is due in every live show."""
        live = [show.room for show in await self._schedule.unfinished() if show.phase == "live"]
        rounds = 0
        while live and rounds < MOST_IN_A_ROW:
            rounds += 1
            live = await self._round(live)

    async def _round(self, rooms: Sequence[RoomId]) -> list[RoomId]:
        """Does what is due now; answers the rooms in which something was."""
        segments = await self._schedule.segments_of(rooms)
        glances = await self._live.look(rooms)  # after the plan, see room/run_of_show.py
        changed = []
        for room in rooms:
            if room in glances:
                plan = [one for one in segments if one.room == room]
                commands = rules.due(plan, glances[room].state, self._clock())
                if commands and await self._carry_all_out(room, commands):
                    changed.append(room)
        return changed

    async def _carry_all_out(self, room: RoomId, commands: Sequence[rules.Command]) -> bool:
        """One room's trouble does not hold up the others."""
        try:
            for command in commands:
                await self._carry_out(command)
        except Unavailable:
            raise
        except DomainError as error:
            log.warning("the run of show of room %s is stuck: %s", room, error.code)
            return False
        return True

    async def _carry_out(self, command: rules.Command) -> None:
        match command:
            case rules.PutOnAir():
                await self._put_on_air(command)
            case rules.TakeOff(segment=segment):
                await self._append(
                    segment, "off", lambda state: rules.take_off(state, segment, self._clock())
                )
            case rules.Retime(segment=segment):
                until = (
                    f"until:{new_id()}"  # an end may come back: who read an old plan sets the old one again
                )
                await self._append(segment, until, lambda state: rules.retime(state, segment, self._clock()))
            case rules.NoteOnAir(segment=segment, starts_ms=starts_ms, ends_ms=ends_ms):
                await self._schedule.put_on_air(segment.segment, starts_ms, ends_ms)
            case rules.NoteDone(segment=segment):
                await self._schedule.finish(segment.segment)

    async def _put_on_air(self, command: rules.PutOnAir) -> None:
        segment = command.segment
        card, shown = await self._cards(command)
        guest = await self._guest(segment)
        await self._append(
            segment,
            "air",
            lambda state: rules.put_on_air(state, card, shown, guest, command.leaving, self._clock()),
        )
        state = (await self._rooms.load(segment.room)).state
        if state.segment is None or state.segment.segment != segment.segment:
            # it has been on air and is gone again, before anybody noted it
            await self._schedule.put_on_air(segment.segment, command.starts_ms, command.ends_ms)
            await self._schedule.finish(segment.segment)

    async def _cards(self, command: rules.PutOnAir) -> tuple[SegmentCard, list[ProductCard]]:
        segment = command.segment
        names = await self._shops.names_of([segment.brand])
        found = await self._catalog.products(segment.products)
        shown = [product_card(found[product]) for product in segment.products if product in found]
        return segment_card(segment, names[segment.brand], command.starts_ms, command.ends_ms), shown

    async def _guest(self, segment: Segment) -> PersonCard | None:
        """Who speaks for the brand, if there still is such an account."""
        person = segment.requested_by
        name = (await self._people.names_of([person])).get(person)
        return PersonCard(person=person, name=name, role="brand") if name is not None else None

    async def _append(self, segment: Segment, name: str, decide: Decide) -> None:
        """Appends what is decided on the room as it is, and ends the pictures of seats it takes back.

        The same operation twice appends once.
        """
        for _ in range(ATTEMPTS):
            loaded = await self._rooms.load(segment.room)
            events = decide(loaded.state)
            if not events:
                return
            try:
                await self._rooms.append(
                    segment.room,
                    f"{segment.segment}:{name}",
                    loaded.epoch,
                    loaded.offset,
                    events,
                    fold(loaded.state, events),
                )
            except Stale:
                continue
            for seat in vacated(events):
                self._end_pictures(segment.room, seat)
            return
        raise Unavailable("room_busy")
