"""Where the schedule is kept, and where races about it are decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from livecommerce.ids import RoomId, SegmentId, ShopId
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.show import Show


class ScheduleStore(Protocol):
    """Shows and segments. Each method is one transaction; of two that exclude each other one wins."""

    async def add_show(self, show: Show) -> None:
        """Adds a show; one with this id is left as it is.

        Raises:
            Conflict: ``host_booked``.
        """
        ...

    async def show(self, room: RoomId) -> Show:
        """One show.

        Raises:
            NotFound: ``show_not_found``.
        """
        ...

    async def shows_between(self, from_ms: int, to_ms: int) -> list[Show]:
        """Shows planned to touch a span of time, earliest first."""
        ...

    async def unfinished(self) -> list[Show]:
        """All shows that have not ended, earliest first."""
        ...

    async def last_ended(self, limit: int) -> list[Show]:
        """Shows that have ended, the newest first."""
        ...

    async def segments_of(self, rooms: Sequence[RoomId]) -> list[Segment]:
        """The segments of some shows, in every state, earliest first."""
        ...

    async def segments_of_brand(self, brand: ShopId) -> list[Segment]:
        """A brand's segments, in every state, earliest first."""
        ...

    async def segment(self, segment: SegmentId) -> Segment:
        """One segment.

        Raises:
            NotFound: ``segment_not_found``.
        """
        ...

    async def request(self, segment: Segment) -> None:
        """Adds a request.

        Raises:
            Conflict: the schedule has no room for it.
            NotFound: ``product_not_found`` (unknown, or neither the brand's nor the show's shop's).
        """
        ...

    async def turn(self, segment: SegmentId, action: str, reason: str = "") -> tuple[Segment, Segment]:
        """Accepts, declines or cancels; answers the segment before and after.

        Raises:
            Conflict: ``segment_state``; for accepting, also what the schedule has no room for.
        """
        ...

    async def put_on_air(self, segment: SegmentId, starts_ms: int, ends_ms: int) -> None:
        """Notes that a confirmed segment is on air, and moves what follows out of its way; repeatable."""
        ...

    async def finish(self, segment: SegmentId) -> None:
        """Notes that a segment on air is over; repeatable."""
        ...

    async def extend(self, segment: SegmentId, by_ms: int, key: str) -> tuple[Segment, Segment]:
        """Gives a segment on air more time and moves what follows; answers it before and after.

        The same key again changes nothing, and both are the segment as it is.

        Raises:
            Conflict: ``segment_state``; ``key_reused``: with this key it got another time.
        """
        ...

    async def show_started(self, room: RoomId, at_ms: int) -> bool:
        """Notes that a show is live; a late start moves its segments and its end.

        Answers whether this was news.
        """
        ...

    async def show_ended(self, room: RoomId, at_ms: int) -> bool:
        """Notes that a show is over: what was on air is done, what was still to come is canceled.

        Answers whether this was news.
        """
        ...
