"""The schedule: shows with their segments, what brands request, what hosts answer, and calendar feeds."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.accounts import Person
from livecommerce.audit import Audit
from livecommerce.catalog import checked_title
from livecommerce.clock import Clock, TimeMs
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound
from livecommerce.fees import RatesInForce
from livecommerce.gateway.agenda import Agenda, SegmentRow, ShowRow, runs_show, speaks_for_brand
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, query, read
from livecommerce.gateway.http.operation import (
    ANYBODY,
    SIGNED_IN,
    VISITOR,
    MediaType,
    Refusals,
    Resource,
    in_role,
)
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.programme import Programme
from livecommerce.ids import PersonId, ProductId, RoomId, SegmentId, ShopId, new_id
from livecommerce.localized import LocalText, in_language
from livecommerce.money import PPM
from livecommerce.room.cards import ProductCard
from livecommerce.room.plan import product_card
from livecommerce.schedule.calendar import Appointment, feed
from livecommerce.schedule.segment import MAX_NOTE, MAX_PRODUCTS, Segment, check_request
from livecommerce.schedule.show import MINUTE_MS, Show

DAY_MS = 24 * 60 * MINUTE_MS
DEFAULT_DAYS = 31
MAX_DAYS = 100
MAX_EXTENSION = 60
NO_ROOM = ("show_ended", "outside_show", "slot_taken", "brand_booked", "product_booked", "rival_booked")
"""Why the schedule has no room for a segment; see ``schedule.booking``."""


class NewSegment(Struct, frozen=True, kw_only=True):
    """What a brand asks for."""

    room: RoomId
    brand: ShopId
    kind: Literal["brand", "mix", "celebrity"]
    title: LocalText
    starts_ms: TimeMs
    ends_ms: TimeMs
    products: Annotated[list[ProductId], Meta(min_length=1, max_length=MAX_PRODUCTS)]
    commission_ppm: Annotated[int, Meta(ge=0, le=PPM)]
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class Refusal(Struct, frozen=True):
    """Why a segment is declined or canceled."""

    reason: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class Extension(Struct, frozen=True):
    """How much more time a segment on air gets."""

    minutes: Annotated[int, Meta(ge=1, le=MAX_EXTENSION)]
    key: Annotated[str, Meta(max_length=64)] = ""
    """Idempotency key: the same key on the same segment is the same request; without one each is another."""


class Span(Struct, frozen=True, kw_only=True):
    """The time to look at; without an end a month, without a beginning from yesterday on."""

    from_ms: TimeMs | None = None
    to_ms: TimeMs | None = None


class MyBrand(Struct, frozen=True, kw_only=True):
    """A brand for which the asker speaks."""

    shop: str
    name: LocalText
    calendar_url: str
    """For calendar programs; whoever has it can read the brand's calendar."""


class ScheduleView(Struct, frozen=True, kw_only=True):
    """The shows of a span of time, and what in them is the asker's own."""

    shows: list[ShowRow]
    my_brands: list[MyBrand]
    my_hosting: list[str]
    """Rooms of the asker's own shows."""


class BrandProducts(Struct, frozen=True):
    """What a brand can show."""

    products: list[ProductCard]


class Feed(Struct, frozen=True, kw_only=True):
    """What a calendar's address says beside the brand."""

    token: str = ""
    lang: str = "en"


CALENDAR = MediaType("text/calendar")


class ScheduleRoutes:
    """Handlers of ``/api/schedule``, ``/api/segments`` and ``/api/brands``."""

    def __init__(
        self,
        programme: Programme,
        audit: Audit,
        door: Door,
        clock: Clock,
        *,
        rates: RatesInForce,
        calendar_key: bytes,
        public_url: str,
    ) -> None:
        self._rates = rates
        self._schedule = programme.schedule
        self._catalog = programme.catalog
        self._shops = programme.shops
        self._agenda = Agenda(programme)
        self._trail = RequestTrail(audit, clock)
        self._door = door
        self._clock = clock
        self._calendar_key = calendar_key
        self._public_url = public_url

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        api, segment = Resource("schedule", SIGNED_IN), "/api/segments/{segment}"
        missing: Refusals = {NotFound: ["segment_not_found"]}
        hosts: Refusals = {**missing, Forbidden: ["host_only"], Conflict: ["segment_state"]}
        booked: Refusals = {Conflict: ["segment_state", *NO_ROOM]}
        return [
            api.operation(
                "GET",
                "/api/schedule",
                self.schedule,
                ScheduleView,
                query=Span,
                caller=VISITOR,
                refuses={Invalid: ["bad_time"]},
            ),
            api.operation(
                "GET",
                "/api/schedule/{shop}.ics",
                self.calendar,
                CALENDAR,
                query=Feed,
                caller=ANYBODY,
                refuses={NotFound: ["calendar_not_found"]},
            ),
            api.operation(
                "POST",
                "/api/segments",
                self.request,
                SegmentRow,
                status=201,
                takes=NewSegment,
                caller=in_role("brand", "the shop"),
                refuses={
                    Invalid: ["bad_title", "bad_segment", "commission_too_high"],
                    NotFound: ["show_not_found", "product_not_found"],
                    Conflict: NO_ROOM,
                },
            ),
            api.operation(
                "POST",
                f"{segment}/accept",
                self.accept,
                SegmentRow,
                takes=Refusal,
                refuses={**hosts, **booked},
            ),
            api.operation(
                "POST", f"{segment}/decline", self.decline, SegmentRow, takes=Refusal, refuses=hosts
            ),
            api.operation(
                "POST",
                f"{segment}/cancel",
                self.cancel,
                SegmentRow,
                takes=Refusal,
                refuses={**missing, Conflict: ["segment_state"]},
            ),
            api.operation(
                "POST",
                f"{segment}/extend",
                self.extend,
                SegmentRow,
                takes=Extension,
                refuses={**hosts, Conflict: ["segment_state", "key_reused"]},
            ),
            api.operation(
                "GET",
                "/api/brands/{shop}/products",
                self.products,
                BrandProducts,
                refuses={Forbidden: ["role_required"]},
            ),
        ]

    # ------------------------------------------------------------ reading

    async def schedule(self, request: Request) -> Answer[ScheduleView]:
        """The shows of a span of time, and what in them is the asker's own."""
        person = await self._door.who(request)
        span = query(request, Span)
        from_ms = self._clock() - DAY_MS if span.from_ms is None else span.from_ms
        to_ms = from_ms + DEFAULT_DAYS * DAY_MS if span.to_ms is None else span.to_ms
        if not 0 <= to_ms - from_ms <= MAX_DAYS * DAY_MS:
            raise Invalid("bad_time", max_days=MAX_DAYS)
        shows = await self._schedule.shows_between(from_ms, to_ms)
        me = person.person if person is not None else ""
        return answer(
            ScheduleView(
                shows=await self._agenda.shows(shows, person),
                my_brands=await self._brands_of(person),
                my_hosting=[show.room for show in shows if show.host == me],
            )
        )

    async def products(self, request: Request) -> Answer[BrandProducts]:
        """What a brand can show."""
        person = await self._door.signed_in(request)
        shop = ShopId(request.path_params["shop"])
        if not any(person.has_role(role, shop) for role in ("brand", "merchant", "host")):
            raise Forbidden("role_required", role="brand")
        found = await self._catalog.products_of(shop)
        return answer(BrandProducts([product_card(product) for product in found]))

    async def calendar(self, request: Request) -> Response:
        """A brand's segments for calendar programs, which cannot sign in: the address is the key."""
        shop = ShopId(request.path_params["shop"])
        names = await self._shops.names_of([shop])
        asked = query(request, Feed)
        if shop not in names or not hmac.compare_digest(
            self._feed_token(shop).encode(), asked.token.encode()
        ):
            raise NotFound("calendar_not_found")
        text = feed(
            in_language(names[shop], asked.lang),
            urlsplit(self._public_url).hostname or "localhost",
            await self._appointments(shop, asked.lang),
        )
        return Response(text, media_type="text/calendar; charset=utf-8")

    # ------------------------------------------------------------ agreeing

    async def request(self, request: Request) -> Answer[SegmentRow]:
        """A brand asks for a slot."""
        person = await self._door.signed_in(request)
        wanted = await read(request, NewSegment)
        person.require("brand", wanted.brand)
        show = await self._schedule.show(wanted.room)
        segment = self._requested(wanted, person)
        check_request(segment, self._rates().most_brand_ppm(self._clock()))
        await self._schedule.request(segment)
        await self._trail.note(request, person, "segment.request", segment.segment, after=segment)
        return answer(await self._agenda.segment(segment, show, person), 201)

    async def accept(self, request: Request) -> Answer[SegmentRow]:
        """The host gives the slot."""
        return await self._turn(request, "accept")

    async def decline(self, request: Request) -> Answer[SegmentRow]:
        """The host does not give the slot."""
        return await self._turn(request, "decline")

    async def cancel(self, request: Request) -> Answer[SegmentRow]:
        """Either side withdraws before the segment is on air."""
        return await self._turn(request, "cancel")

    async def extend(self, request: Request) -> Answer[SegmentRow]:
        """The host gives what is on air more time; what follows moves."""
        person, segment, show = await self._party(request)
        if not runs_show(person, show):
            raise Forbidden("host_only")
        wanted = await read(request, Extension)
        by_ms, key = wanted.minutes * MINUTE_MS, wanted.key or new_id()
        before, after = await self._schedule.extend(segment.segment, by_ms, key)
        if after != before:
            await self._trail.note(
                request, person, "segment.extend", segment.segment, before=before, after=after
            )
        return answer(await self._agenda.segment(after, show, person))

    async def _turn(self, request: Request, action: str) -> Answer[SegmentRow]:
        person, segment, show = await self._party(request)
        if action != "cancel" and not runs_show(person, show):
            raise Forbidden("host_only")
        reason = (await read(request, Refusal)).reason
        before, after = await self._schedule.turn(segment.segment, action, reason)
        await self._trail.note(
            request, person, f"segment.{action}", segment.segment, before=before, after=after
        )
        return answer(await self._agenda.segment(after, show, person))

    async def _party(self, request: Request) -> tuple[Person, Segment, Show]:
        """A segment and its show, for those who agree on it; to others it does not exist.

        Raises:
            NotFound: ``segment_not_found``.
        """
        person = await self._door.signed_in(request)
        segment = await self._schedule.segment(SegmentId(request.path_params["segment"]))
        show = await self._schedule.show(segment.room)
        if not (speaks_for_brand(person, segment) or runs_show(person, show)):
            raise NotFound("segment_not_found")
        return person, segment, show

    def _requested(self, wanted: NewSegment, person: Person) -> Segment:
        now_ms = self._clock()
        return Segment(
            segment=SegmentId(new_id(at_ms=now_ms)),
            room=wanted.room,
            brand=wanted.brand,
            kind=wanted.kind,
            state="requested",
            title=checked_title(wanted.title),
            starts_ms=wanted.starts_ms,
            ends_ms=wanted.ends_ms,
            commission_ppm=wanted.commission_ppm,
            products=tuple(wanted.products),
            note=wanted.note,
            reason="",
            requested_by=PersonId(person.person),
            created_ms=now_ms,
        )

    # ------------------------------------------------------------ brands

    async def _brands_of(self, person: Person | None) -> list[MyBrand]:
        mine = person.shops_as("brand") if person is not None else []
        names = await self._shops.names_of(mine)
        return [
            MyBrand(shop=shop, name=names[shop], calendar_url=self._feed_url(ShopId(shop)))
            for shop in mine
            if shop in names
        ]

    async def _appointments(self, shop: ShopId, language: str) -> list[Appointment]:
        segments = await self._schedule.segments_of_brand(shop)
        titles = {room: (await self._schedule.show(room)).title for room in {one.room for one in segments}}
        return [
            Appointment(
                segment=one,
                summary=in_language(one.title, language),
                description=in_language(titles[one.room], language),
                url=f"{self._public_url}/schedule?room={one.room}",
            )
            for one in segments
        ]

    def _feed_url(self, shop: ShopId) -> str:
        return f"{self._public_url}/api/schedule/{shop}.ics?token={self._feed_token(shop)}"

    def _feed_token(self, shop: ShopId) -> str:
        return hmac.new(self._calendar_key, shop.encode(), hashlib.sha256).hexdigest()[:32]
