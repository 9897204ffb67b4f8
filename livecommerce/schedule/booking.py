"""What may not happen at the same time.

A show's slot is given once. A guest brand and a product are in one show at a time. Brands that sell the
same category keep ``RIVALS_APART_MS`` between them in a show. A host is in one show at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from livecommerce.errors import Conflict
from livecommerce.schedule.segment import BOOKED, Segment
from livecommerce.schedule.show import Show

RIVALS_APART_MS = 15 * 60_000


class Booking(Struct, frozen=True, kw_only=True):
    """A segment and what its products are."""

    segment: Segment
    categories: frozenset[str]


def check_booking(candidate: Booking, show: Show, others: Iterable[Booking]) -> None:
    """Refuses a segment that the schedule has no room for.

    ``others`` holds at least the show's booked segments and those, anywhere, that overlap the candidate
    and share its brand or a product; more do no harm.

    Raises:
        Conflict: ``show_ended``, ``outside_show``, ``slot_taken``, ``brand_booked``, ``product_booked``
            or ``rival_booked``, the last four with the ``segment`` that is in the way.
    """
    segment = candidate.segment
    if show.phase == "ended":
        raise Conflict("show_ended")
    if segment.starts_ms < show.opens_ms or segment.ends_ms > show.ends_ms:
        raise Conflict("outside_show", starts_ms=show.opens_ms, ends_ms=show.ends_ms)
    for other in others:
        if other.segment.segment != segment.segment and other.segment.state in BOOKED:
            code = _obstacle(candidate, other)
            if code is not None:
                raise Conflict(code, segment=other.segment.segment)


def check_host(show: Show, others: Iterable[Show]) -> None:
    """Refuses a show whose host is in another one at that time.

    Raises:
        Conflict: ``host_booked``.
    """
    for other in others:
        if (
            other.room != show.room
            and other.phase != "ended"
            and other.starts_ms < show.ends_ms
            and show.starts_ms < other.ends_ms
        ):
            raise Conflict("host_booked", room=other.room)


def _obstacle(candidate: Booking, other: Booking) -> str | None:
    mine, theirs = candidate.segment, other.segment
    if mine.overlaps(theirs):
        if mine.room == theirs.room:
            return "slot_taken"
        if mine.brand == theirs.brand:
            return "brand_booked"
        if set(mine.products) & set(theirs.products):
            return "product_booked"
    rivals = mine.brand != theirs.brand and candidate.categories & other.categories
    if mine.room == theirs.room and rivals and _gap_ms(mine, theirs) < RIVALS_APART_MS:
        return "rival_booked"
    return None


def _gap_ms(one: Segment, other: Segment) -> int:
    return max(one.starts_ms - other.ends_ms, other.starts_ms - one.ends_ms)
