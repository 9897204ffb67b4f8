"""A gateway's copy of one room: its state, and the recent part of its log.

The truth is in the store. Commands are decided on the copy and appended only where the store still
stands at the copy's offset; otherwise the copy catches up and the command is decided again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.errors import DomainError, Unavailable
from livecommerce.ids import new_id
from livecommerce.room.cards import RoomState
from livecommerce.room.events import Deleted, RoomEvent
from livecommerce.room.room import Decide, fold

HISTORY = 1024
"""Events kept in memory for viewers who come back."""

ATTEMPTS = 8
"""How often a command is decided again when others were faster."""

LOST_ANSWERS = 2
"""How often an answer that was lost is asked for again."""

log = logging.getLogger(__name__)


class LoadedRoom(Struct, frozen=True):
    """A room as the store has it."""

    epoch: str
    offset: int
    state: RoomState
    history: tuple[RoomEvent, ...] = ()
    """The newest events of the log, up to the offset."""


class Stale(Exception):
    """The store has moved on; nothing was written."""


class RoomStore(Protocol):
    """Where rooms live."""

    async def create(self, state: RoomState) -> None:
        """Creates a room; one that exists is left as it is."""
        ...

    async def load(self, room: str) -> LoadedRoom:
        """The room's current state.

        Raises:
            NotFound: there is no such room.
        """
        ...

    async def events_after(self, room: str, epoch: str, offset: int) -> Sequence[RoomEvent] | None:
        """The log from the next offset on, without a gap.

        ``None`` where the log begins later, or the room is in another epoch.
        """
        ...

    async def append(
        self,
        room: str,
        operation: str,
        epoch: str,
        expected_offset: int,
        events: Sequence[RoomEvent],
        state: RoomState,
    ) -> int:
        """Appends events and stores the state folded up to them, if the offset is still the expected one.

        The same operation twice appends once. Returns the last offset.

        Raises:
            Stale: another writer was faster.
            Unavailable: the outcome is unknown; ask again with the same operation.
        """
        ...

    async def renew(self, room: str, epoch: str) -> None:
        """Begins a new epoch, unless somebody has begun one since the given."""
        ...


class LiveRoom:
    """One room, kept up to date by ``absorb``."""

    def __init__(
        self,
        loaded: LoadedRoom,
        store: RoomStore,
        on_events: Callable[[Sequence[RoomEvent]], None],
        on_replaced: Callable[[], None],
    ) -> None:
        self.epoch = loaded.epoch
        self.offset = loaded.offset
        self.state = loaded.state
        self._store = store
        self._on_events = on_events
        self._on_replaced = on_replaced
        self._history: deque[RoomEvent] = deque(loaded.history, maxlen=HISTORY)
        self._turn = asyncio.Lock()

    @property
    def room(self) -> str:
        """The room's id."""
        return self.state.room

    def since(self, epoch: str, offset: int) -> list[RoomEvent] | None:
        """What a viewer missed after an offset, or ``None`` if memory does not reach that far."""
        if epoch != self.epoch or offset > self.offset:
            return None
        missed = self.offset - offset
        if missed > len(self._history):
            return None
        return list(self._history)[len(self._history) - missed :]

    def deleted_comments(self) -> set[str]:
        """Comments that were taken back lately."""
        return {event.comment for event in self._history if isinstance(event, Deleted)}

    async def command(self, decide: Decide) -> Sequence[RoomEvent]:
        """Decides on the current state and appends what was decided.

        An answer that was lost is asked for again under the same operation, so nothing is appended twice.

        Raises:
            DomainError: what ``decide`` refused.
            Unavailable: the store is away and the outcome unknown, or others were faster too often.
        """
        async with self._turn:
            for _ in range(ATTEMPTS):
                events = await self._decide(decide)
                if not events:
                    return ()
                if await self._append(events):
                    return events
                await self.catch_up()
        raise Unavailable("room_busy")

    async def _decide(self, decide: Decide) -> Sequence[RoomEvent]:
        """What should happen; a refusal, or nothing to do, must hold in the store's state too."""
        while True:
            seen = (self.epoch, self.offset)
            try:
                events, refusal = decide(self.state), None
            except DomainError as error:
                events, refusal = (), error
            if events:
                return events
            await self.catch_up()
            if (self.epoch, self.offset) != seen:
                continue
            if refusal is not None:
                raise refusal
            return ()

    async def _append(self, events: Sequence[RoomEvent]) -> bool:
        epoch = self.epoch
        try:
            last = await self._append_once(new_id(), epoch, events)
        except Stale:
            return False
        first = last - len(events) + 1
        if not self.absorb(epoch, [replace(event, offset=first + at) for at, event in enumerate(events)]):
            await self.catch_up()
        return True

    async def _append_once(self, operation: str, epoch: str, events: Sequence[RoomEvent]) -> int:
        offset, state = self.offset, fold(self.state, events)
        for _ in range(LOST_ANSWERS):
            try:
                return await self._store.append(self.room, operation, epoch, offset, events, state)
            except Unavailable:
                log.info("the answer to operation %s was lost; asking again", operation)
        return await self._store.append(self.room, operation, epoch, offset, events, state)

    def absorb(self, epoch: str, events: Sequence[RoomEvent]) -> bool:
        """Takes over events that the store has appended; known ones are skipped.

        Returns False where something is missing: then the caller catches up.
        """
        if epoch != self.epoch:
            return False
        fresh = [event for event in events if event.offset > self.offset]
        if not fresh:
            return True
        if fresh[0].offset != self.offset + 1:
            return False
        self.state = fold(self.state, fresh)
        self.offset = fresh[-1].offset
        self._history.extend(fresh)
        self._on_events(fresh)
        return True

    async def catch_up(self) -> None:
        """Reads what is missing; where the log does not reach back, the state is replaced.

        A store that has lost what it once told (a replica took over without its last writes, or a backup was
        brought back) gets a new epoch: offsets are given twice then, and nobody may resume across that.
        """
        epoch, offset = self.epoch, self.offset
        events = await self._missed(epoch, offset)
        if events is not None and self.absorb(epoch, events):
            return
        loaded = await self._store.load(self.room)
        if loaded.epoch == epoch and loaded.offset < offset:
            await self._store.renew(self.room, epoch)
            loaded = await self._store.load(self.room)
        if loaded.epoch == self.epoch and loaded.offset <= self.offset:
            return
        self.epoch, self.offset, self.state = loaded.epoch, loaded.offset, loaded.state
        self._history = deque(loaded.history, maxlen=HISTORY)
        self._on_replaced()

    async def _missed(self, epoch: str, offset: int) -> Sequence[RoomEvent] | None:
        """What follows our last event, if the log reaches back to it and still says the same of it."""
        if not self._history:
            return await self._store.events_after(self.room, epoch, offset)
        last = self._history[-1]
        events = await self._store.events_after(self.room, epoch, offset - 1)
        if not events:
            return None
        if not _same(events[0], last):
            await self._store.renew(self.room, epoch)
            return None
        return events


def _same(one: RoomEvent, other: RoomEvent) -> bool:
    """Whether two events of one offset are one event."""
    return type(one) is type(other) and one.at_ms == other.at_ms
