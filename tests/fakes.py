"""Fakes behind ports; each passes the same contract suite as the real driver."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from livecommerce.audit import AuditEntry
from livecommerce.coupon import GrantCard
from livecommerce.errors import NotFound, Unavailable
from livecommerce.orders import OrderCard
from livecommerce.revocation import LONGEST_TOKEN_MS, Revocation
from livecommerce.room.bus import DEPLOYMENT, Control, Listener, Publication, Revoked, Sanctioned
from livecommerce.room.cards import CommentLine, ProductCard, RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import LoadedRoom, Stale
from livecommerce.room.presence import Attendance
from livecommerce.room.room import fold
from livecommerce.room.sanctions import Sanction
from livecommerce.waitlist import PlaceCard


class FakeRooms:
    """The room store in memory; with a bus it tells gateways what was appended, as the real one does."""

    def __init__(self, bus: FakeBus | None = None) -> None:
        self._bus = bus
        self.rooms: dict[str, LoadedRoom] = {}
        self.created: dict[str, RoomState] = {}
        self.logs: dict[str, list[RoomEvent]] = {}
        self.operations: dict[str, int] = {}
        self.nodes: dict[str, dict[str, int]] = {}
        self.likes: dict[str, int] = {}
        self.away = False
        self.lose_answers = 0

    async def create(self, state: RoomState) -> None:
        if state.room not in self.rooms:
            self.rooms[state.room] = LoadedRoom(f"epoch-{len(self.rooms)}", 0, state)
            self.created[state.room] = state
            self.logs[state.room] = []

    async def load(self, room: str) -> LoadedRoom:
        self._check()
        if room not in self.rooms:
            raise NotFound("room_not_found")
        return replace(self.rooms[room], history=tuple(self.logs[room]))

    async def events_after(self, room: str, epoch: str, offset: int) -> Sequence[RoomEvent] | None:
        self._check()
        stored = self.rooms[room]
        missed = stored.offset - offset
        log = self.logs[room]
        if epoch != stored.epoch or missed < 0 or missed > len(log):
            return None
        return log[len(log) - missed :]

    async def append(
        self,
        room: str,
        operation: str,
        epoch: str,
        expected_offset: int,
        events: Sequence[RoomEvent],
        state: RoomState,
    ) -> int:
        self._check()
        if operation in self.operations:
            return self.operations[operation]
        stored = await self.load(room)
        if (stored.epoch, stored.offset) != (epoch, expected_offset):
            raise Stale
        self.tell(room, events)
        assert self.rooms[room].state == state
        if self._bus is not None:
            for event in self.logs[room][-len(events) :]:
                await self._bus.publish(room, Control(epoch, event.offset, event))
        self.operations[operation] = self.rooms[room].offset
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unavailable("redis_away")
        return self.rooms[room].offset

    async def renew(self, room: str, epoch: str) -> None:
        self._check()
        if self.rooms[room].epoch == epoch:
            self.rooms[room] = replace(self.rooms[room], epoch=f"{epoch}+")

    def go_back(self, room: str, offset: int) -> None:
        """Loses everything after an offset, as a replica does that had not heard of it."""
        self.logs[room] = self.logs[room][:offset]
        state = fold(self.created[room], self.logs[room])
        self.rooms[room] = LoadedRoom(self.rooms[room].epoch, offset, state)

    def tell(self, room: str, events: Sequence[RoomEvent]) -> None:
        """Appends as the inventory does: whatever the offset is."""
        stored = self.rooms[room]
        placed = [replace(event, offset=stored.offset + 1 + at) for at, event in enumerate(events)]
        self.logs[room] += placed
        self.rooms[room] = LoadedRoom(stored.epoch, placed[-1].offset, fold(stored.state, placed))

    def trim(self, room: str, keep: int) -> None:
        """Forgets all but the newest events."""
        self.logs[room] = self.logs[room][len(self.logs[room]) - keep :] if keep else []

    async def beat(self, node: str, rooms: Mapping[str, Attendance]) -> Mapping[str, Attendance]:
        self._check()
        for room, here in rooms.items():
            self.nodes.setdefault(room, {})[node] = here.viewers
            self.likes[room] = self.likes.get(room, 0) + here.likes
        return {room: Attendance(sum(self.nodes[room].values()), self.likes[room]) for room in rooms}

    def _check(self) -> None:
        if self.away:
            raise Unavailable("redis_away")


class FakeBus:
    """The bus in memory, for gateways of one process."""

    def __init__(self) -> None:
        self.listeners: dict[str, list[Listener]] = {}

    async def subscribe(self, room: str, listener: Listener) -> None:
        self.listeners.setdefault(room, []).append(listener)

    async def unsubscribe(self, room: str) -> None:
        self.listeners.pop(room, None)

    async def publish(self, room: str, publication: Publication) -> None:
        for listener in self.listeners.get(room, []):
            listener(publication)


class FakeSanctions:
    """Sanctions in memory, told on a bus."""

    def __init__(self, bus: FakeBus) -> None:
        self.rooms: dict[str, dict[tuple[str, str], Sanction]] = {}
        self.versions: dict[str, int] = {}
        self._bus = bus

    async def impose(self, room: str, sanction: Sanction) -> None:
        self.versions[room] = self.versions.get(room, 0) + 1
        kept = replace(sanction, v=self.versions[room])
        sanctions = self.rooms.setdefault(room, {})
        sanctions.pop((sanction.kind, sanction.person), None)
        if sanction.until_ms:
            sanctions[sanction.kind, sanction.person] = kept
        await self._bus.publish(room, Sanctioned(kept))

    async def of_room(self, room: str) -> tuple[int, list[Sanction]]:
        return self.versions.get(room, 0), list(self.rooms.get(room, {}).values())


class FakeRevocations:
    """Revocations in memory, told on a bus."""

    def __init__(self, bus: FakeBus) -> None:
        self.kept: dict[str, int] = {}
        self._bus = bus

    async def revoke(self, revocation: Revocation) -> None:
        person, before_ms = revocation.person, revocation.before_ms
        self.kept[person] = max(before_ms, self.kept.get(person, 0))
        for who in [who for who, when in self.kept.items() if when <= before_ms - LONGEST_TOKEN_MS]:
            del self.kept[who]
        await self._bus.publish(DEPLOYMENT, Revoked(revocation))

    async def all(self) -> list[Revocation]:
        return [Revocation(person=person, before_ms=before_ms) for person, before_ms in self.kept.items()]


class FakeRecords:
    """Everybody's open orders, coupons and places."""

    def __init__(self) -> None:
        self.orders: dict[str, list[OrderCard]] = {}
        self.grants: dict[str, list[GrantCard]] = {}
        self.places: dict[str, list[PlaceCard]] = {}
        self.reads: list[int] = []
        """How many people each read was for."""
        self.gate = asyncio.Event()
        """Reads wait for it."""
        self.gate.set()
        self.away = False

    async def read(
        self, room: str, persons: Sequence[str]
    ) -> dict[str, tuple[list[OrderCard], list[GrantCard], list[PlaceCard]]]:
        self.reads.append(len(persons))
        await self.gate.wait()
        if self.away:
            raise Unavailable("redis_away")
        kinds = (self.orders, self.grants, self.places)
        having = (person for person in persons if any(person in kind for kind in kinds))
        return {
            person: (self.orders.get(person, []), self.grants.get(person, []), self.places.get(person, []))
            for person in having
        }


class FakeShelf:
    """A shelf of some products."""

    def __init__(self, *products: ProductCard) -> None:
        self.products = {product.product: product for product in products}

    async def card(self, room: str, product: str) -> ProductCard:
        if product not in self.products:
            raise NotFound("product_not_on_shelf")
        return self.products[product]


class FakeAudit:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, AuditEntry] = {}

    async def record(self, entry: AuditEntry) -> None:
        self.entries.setdefault(entry.id, entry)

    async def of_subject(self, subject: str, limit: int = 100) -> list[AuditEntry]:
        found = [entry for entry in self.entries.values() if entry.subject == subject]
        return sorted(found, key=lambda entry: entry.at_ms, reverse=True)[:limit]


class FakePictures:
    """Which pictures were reported, for ever."""

    def __init__(self) -> None:
        self.reported: set[tuple[str, str]] = set()
        self.listening = False

    async def listen(self) -> None:
        self.listening = True

    async def are_heard(self) -> bool:
        return self.listening

    async def heard(self, room: str, stream: str) -> None:
        self.reported.add((room, stream))

    async def silent(self, room: str, streams: Collection[str]) -> set[str]:
        return {stream for stream in streams if (room, stream) not in self.reported}


class FakeComments:
    """The last comments in memory."""

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.lines: dict[str, list[CommentLine]] = {}

    async def remember(self, room: str, comments: Sequence[CommentLine]) -> None:
        self.lines[room] = [*self.lines.get(room, []), *comments][-self.kept :]

    async def recent(self, room: str) -> list[CommentLine]:
        return self.lines.get(room, [])
