"""The schedule as one person may see it.

Everybody sees what is booked. Requests, refusals, terms and notes are for the two sides that agree on
them: the brand, and the show's host.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.accounts import Person
from livecommerce.gateway.programme import Programme
from livecommerce.localized import LocalText
from livecommerce.room.cards import PersonCard, ProductCard
from livecommerce.room.plan import host_card, product_card
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.show import Show

_PUBLIC = ("confirmed", "on_air", "done")


class SegmentRights(Struct, frozen=True, kw_only=True):
    """What the one who asks may do with a segment."""

    accept: bool
    decline: bool
    cancel: bool
    extend: bool


class SegmentRow(Struct, frozen=True, kw_only=True):
    """One segment; terms and note are empty for people whom they do not concern."""

    segment: str
    room: str
    kind: str
    state: str
    brand: str
    brand_name: LocalText
    title: LocalText
    starts_ms: int
    ends_ms: int
    products: tuple[ProductCard, ...]
    commission_ppm: int
    note: str
    reason: str
    may: SegmentRights


class ShowRow(Struct, frozen=True, kw_only=True):
    """One show with its segments, earliest first."""

    room: str
    title: LocalText
    shop: str
    shop_name: LocalText
    host: PersonCard
    starts_ms: int
    ends_ms: int
    time_zone: str
    phase: str
    segments: tuple[SegmentRow, ...]


class Agenda:
    """Describes shows and segments to people."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme

    async def shows(self, shows: Sequence[Show], person: Person | None) -> list[ShowRow]:
        """Shows with the segments that the person may see."""
        segments = await self._programme.schedule.segments_of([show.room for show in shows])
        by_room = {show.room: show for show in shows}
        visible = [one for one in segments if _may_see(person, one, by_room[one.room])]
        rows = await self._rows([(one, by_room[one.room]) for one in visible], person)
        shops = await self._programme.shops.names_of([show.shop for show in shows])
        hosts = await self._programme.accounts.names_of([show.host for show in shows])
        return [
            ShowRow(
                room=show.room,
                title=show.title,
                shop=show.shop,
                shop_name=shops.get(show.shop, {}),
                host=host_card(show, hosts.get(show.host, "")),
                starts_ms=show.starts_ms,
                ends_ms=show.ends_ms,
                time_zone=show.time_zone,
                phase=show.phase,
                segments=tuple(row for row in rows if row.room == show.room),
            )
            for show in shows
        ]

    async def segment(self, segment: Segment, show: Show, person: Person) -> SegmentRow:
        """One segment."""
        [row] = await self._rows([(segment, show)], person)
        return row

    async def _rows(
        self, segments: Sequence[tuple[Segment, Show]], person: Person | None
    ) -> list[SegmentRow]:
        brands = await self._programme.shops.names_of([one.brand for one, _ in segments])
        goods = await self._programme.catalog.products(
            list({product for one, _ in segments for product in one.products})
        )
        cards = {product: product_card(found) for product, found in goods.items()}
        return [_row(one, show, person, brands.get(one.brand, {}), cards) for one, show in segments]


def speaks_for_brand(person: Person | None, segment: Segment) -> bool:
    """Whether a person acts for the brand that a segment belongs to."""
    return person is not None and person.has_role("brand", segment.brand)


def runs_show(person: Person | None, show: Show) -> bool:
    """Whether a person decides what happens in a show."""
    return person is not None and (person.person == show.host or person.is_operator)


def _may_see(person: Person | None, segment: Segment, show: Show) -> bool:
    return segment.state in _PUBLIC or _is_party(person, segment, show)


def _is_party(person: Person | None, segment: Segment, show: Show) -> bool:
    return speaks_for_brand(person, segment) or runs_show(person, show)


def _row(
    segment: Segment,
    show: Show,
    person: Person | None,
    brand_name: LocalText,
    cards: dict[str, ProductCard],
) -> SegmentRow:
    party, host = _is_party(person, segment, show), runs_show(person, show)
    return SegmentRow(
        segment=segment.segment,
        room=segment.room,
        kind=segment.kind,
        state=segment.state,
        brand=segment.brand,
        brand_name=brand_name,
        title=segment.title,
        starts_ms=segment.starts_ms,
        ends_ms=segment.ends_ms,
        products=tuple(cards[product] for product in segment.products),
        commission_ppm=segment.commission_ppm if party else 0,
        note=segment.note if party else "",
        reason=segment.reason if party else "",
        may=SegmentRights(
            accept=host and segment.can("accept"),
            decline=host and segment.can("decline"),
            cancel=party and segment.can("cancel"),
            extend=host and segment.state == "on_air",
        ),
    )
