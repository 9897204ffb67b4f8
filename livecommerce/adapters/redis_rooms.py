"""Rooms in Redis: compare-and-append, and what a gateway reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection, cannot_serve, served, tag_of
from livecommerce.errors import NotFound
from livecommerce.ids import new_id
from livecommerce.room.cards import RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import HISTORY, LoadedRoom, Stale
from livecommerce.room.presence import SILENT_MS, Attendance
from livecommerce.room.room import fold

_decode_state = msgspec.json.Decoder(RoomState).decode
_decode_event = msgspec.json.Decoder(RoomEvent).decode
_encode = msgspec.json.encode


class RedisRooms:
    """The room store; every method is one function call."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def create(self, state: RoomState) -> None:
        """Creates a room; one that exists is left as it is."""
        await self._call("room_create_v1", state.room, new_id(), _encode(state))

    async def load(self, room: str) -> LoadedRoom:
        """The room's current state: what was stored, and the events since."""
        answer = await self._call("room_load_v1", room, HISTORY)
        if not answer:
            raise NotFound("room_not_found")
        epoch, offset, state, state_offset, log = answer
        history = tuple(_decode_event(event) for event in log)
        unfolded = (event for event in history if event.offset > state_offset)
        return LoadedRoom(epoch.decode(), offset, fold(_decode_state(state), unfolded), history)

    async def events_after(self, room: str, epoch: str, offset: int) -> Sequence[RoomEvent] | None:
        """The log from the next offset on, without a gap."""
        answer = await self._call("room_since_v1", room, epoch, offset)
        return None if answer is None else [_decode_event(event) for event in answer]

    async def append(
        self,
        room: str,
        operation: str,
        epoch: str,
        expected_offset: int,
        events: Sequence[RoomEvent],
        state: RoomState,
    ) -> int:
        """Appends events and stores the folded state, if the room is still at the expected offset."""
        pairs = [part for event in events for part in (kind_of(event), encode_unplaced(event))]
        outcome, *rest = await self._call(
            "room_append_v1", room, operation, epoch, expected_offset, _encode(state), *pairs
        )
        if outcome == b"stale":
            raise Stale
        if outcome == b"gone":
            raise NotFound("room_not_found")
        last: int = rest[0]
        return last

    async def renew(self, room: str, epoch: str) -> None:
        """Begins a new epoch, unless somebody has begun one since the given."""
        await self._call("room_renew_v1", room, epoch, new_id())

    async def beat(self, node: str, rooms: Mapping[str, Attendance]) -> Mapping[str, Attendance]:
        """Reports this node's viewers and new hearts; the totals come back. One round trip for all rooms.

        Rooms that are not there, or whose server is away, are left out; where all are away, this raises.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for room, here in rooms.items():
            beat = (room, node, here.viewers, here.likes, SILENT_MS)
            pipeline.fcall("room_beat_v2", 1, tag_of(room), *beat)
        with served():
            answers = await pipeline.execute(raise_on_error=False)
            failed = [answer for answer in answers if isinstance(answer, Exception)]
            for error in failed:
                if len(failed) == len(answers) or not cannot_serve(error):
                    raise error
        arrived = zip(rooms, answers, strict=True)
        return {
            room: Attendance(*answer)
            for room, answer in arrived
            if answer and not isinstance(answer, Exception)
        }

    async def _call(self, function: str, room: str, *args: str | bytes | int) -> Any:
        with served():
            return await self._redis.fcall(function, 1, tag_of(room), room, *args)


def kind_of(event: RoomEvent) -> str:
    """The event's type as it stands in the log, such as ``pinned``."""
    return str(event.__struct_config__.tag)


def encode_unplaced(event: RoomEvent) -> bytes:
    """An event as JSON without its offset, which the log will add."""
    fields = msgspec.to_builtins(event)
    del fields["offset"]
    return _encode(fields)
