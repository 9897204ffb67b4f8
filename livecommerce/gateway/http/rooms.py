"""Shows and their rooms: the lobby's list, planning one, its shelf, and the keys to its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.accounts import Person
from livecommerce.audit import Audit
from livecommerce.catalog import MAX_SHELF, Product, checked_title
from livecommerce.clock import Clock, TimeMs
from livecommerce.coupon import Campaign
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound
from livecommerce.gateway.agenda import runs_show
from livecommerce.gateway.auth import ENCODER_SECONDS, PUBLISH_SECONDS, Door
from livecommerce.gateway.http.json import Answer, answer, query, read
from livecommerce.gateway.http.operation import SIGNED_IN, VISITOR, Refusals, Resource, in_role
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.ice_servers import IceServers
from livecommerce.gateway.lobby import Lobby, RoomRow
from livecommerce.gateway.media_plane import MediaPlane
from livecommerce.gateway.programme import Programme
from livecommerce.ids import PersonId, ProductId, RoomId, ShopId, new_id, pick_shard
from livecommerce.localized import LocalText
from livecommerce.room.cards import ProductCard
from livecommerce.room.glance import LiveRooms
from livecommerce.room.plan import product_card, room_of
from livecommerce.room.sanctions import BAN, Sanctions, SanctionStore
from livecommerce.room.stage import HOST_SEAT, seat_of
from livecommerce.schedule.show import DEFAULT_MS, Show, check_plan


class NewShow(Struct, frozen=True, kw_only=True):
    """A show that a host plans; without an end it is planned for two hours."""

    title: LocalText
    starts_ms: TimeMs
    time_zone: Annotated[str, Meta(max_length=64)]
    ends_ms: TimeMs | None = None
    shop: Annotated[str, Meta(max_length=32)] = ""
    """One of the host's shops; empty: the first of them."""
    cover: Annotated[str, Meta(max_length=200, pattern=r"^(/[\w./-]*)?$")] = ""
    """A picture on this server."""


class NewShelf(Struct, frozen=True):
    """What stands on the shelf, in order."""

    products: Annotated[list[ProductId], Meta(max_length=MAX_SHELF)]


class StockRow(Struct, frozen=True):
    """What the shop has of a variant."""

    sku: str
    on_hand: int


class ShelfRow(ProductCard, frozen=True, kw_only=True):
    """A product on a show's shelf."""

    category: str
    stock: tuple[StockRow, ...]


class ShelfView(Struct, frozen=True):
    """What can be shown and sold in a show, in order."""

    products: list[ShelfRow]


class RoomList(Struct, frozen=True):
    """Shows in the order in which somebody would choose."""

    rooms: list[RoomRow]


class PlannedShow(Struct, frozen=True):
    """A show that was just planned; its room has the same id."""

    room: RoomId


class RoomRights(Struct, frozen=True, kw_only=True):
    """What the one who asks may do in a room."""

    host: bool
    moderate: bool


class RoomDetail(RoomRow, frozen=True, kw_only=True):
    """One show."""

    time_zone: str
    may: RoomRights


class SeatQuery(Struct, frozen=True, kw_only=True):
    """Whose picture is asked for."""

    seat: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,20}$")] = HOST_SEAT
    encoder: str | None = None
    """Given at all: the key to publish lasts as long as a show, for a program that cannot ask again."""


class SeatMedia(Struct, frozen=True, kw_only=True):
    """Where a seat's picture is, and the keys to it."""

    whep_url: str
    whep_token: str
    whip_url: str | None
    """Null: one may not send a picture here."""
    whip_token: str | None
    check_url: str | None = None
    """Takes offers for trial connections, with either key; null where pictures go through another engine."""
    ice_servers: Sequence[dict[str, str]] = ()
    """``RTCIceServer`` objects, for a browser's peer connection."""


class CampaignView(Struct, frozen=True, kw_only=True):
    """Coupons that a show can give out; see ``coupon.Campaign``."""

    campaign: str
    title: LocalText
    kind: str
    discount_minor: int
    threshold_minor: int
    currency: str
    funder: str
    percent_ppm: int
    exclusive: bool
    budget_minor: int
    left_minor: int


class CampaignList(Struct, frozen=True):
    """Campaigns that run now."""

    campaigns: list[CampaignView]


class RoomRoutes:
    """Handlers of ``/api/rooms``."""

    def __init__(
        self,
        programme: Programme,
        live: LiveRooms,
        sanctions: SanctionStore,
        audit: Audit,
        door: Door,
        clock: Clock,
        *,
        media: MediaPlane,
        ice_servers: IceServers,
        shards: int,
    ) -> None:
        self._live = live
        self._sanctions = sanctions
        self._schedule = programme.schedule
        self._catalog = programme.catalog
        self._campaigns = programme.campaigns
        self._rooms = programme.rooms
        self._lobby = Lobby(programme, clock)
        self._trail = RequestTrail(audit, clock)
        self._door = door
        self._clock = clock
        self._media = media
        self._ice_servers = ice_servers
        self._shards = shards

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        api, shelf = Resource("rooms", VISITOR), "/api/rooms/{room}/shelf"
        missing: Refusals = {NotFound: ["show_not_found"]}
        return [
            api.operation("GET", "/api/rooms", self.lobby, RoomList),
            api.operation(
                "POST",
                "/api/rooms",
                self.create,
                PlannedShow,
                status=201,
                takes=NewShow,
                caller=in_role("host", "the shop"),
                refuses={Invalid: ["bad_title", "bad_time", "bad_time_zone"], Conflict: ["host_booked"]},
            ),
            api.operation("GET", "/api/rooms/{room}", self.detail, RoomDetail, refuses=missing),
            api.operation("GET", shelf, self.shelf, ShelfView, refuses=missing),
            api.operation(
                "PUT",
                shelf,
                self.set_shelf,
                ShelfView,
                takes=NewShelf,
                caller=SIGNED_IN,
                refuses={NotFound: ["show_not_found", "product_not_found"], Forbidden: ["host_only"]},
            ),
            api.operation(
                "GET",
                "/api/rooms/{room}/media",
                self.media,
                SeatMedia,
                query=SeatQuery,
                refuses={**missing, Forbidden: ["banned"]},
            ),
            api.operation(
                "GET",
                "/api/rooms/{room}/campaigns",
                self.campaigns,
                CampaignList,
                caller=SIGNED_IN,
                refuses={**missing, Forbidden: ["host_only"]},
            ),
        ]

    async def lobby(self, _request: Request) -> Answer[RoomList]:
        """Every show worth choosing."""
        return answer(RoomList(await self._lobby.rows()))

    async def create(self, request: Request) -> Answer[PlannedShow]:
        """Plans a show; its shelf begins with all that its shop sells."""
        person = await self._door.signed_in(request)
        wanted = await read(request, NewShow)
        shop = ShopId(wanted.shop or next(iter(person.shops_as("host")), ""))
        person.require("host", shop)
        show = self._planned(wanted, person, shop)
        await self._schedule.add_show(show)
        products = await self._catalog.products_of(shop)
        await self._catalog.set_shelf(show.room, [product.product for product in products[:MAX_SHELF]])
        await self._rooms.create(room_of(show, person.name))
        await self._trail.note(request, person, "show.create", show.room, after=show)
        return answer(PlannedShow(show.room), 201)

    async def detail(self, request: Request) -> Answer[RoomDetail]:
        """One show, and what the one who asks may do in it."""
        show, person = await self._show(request), await self._door.who(request)
        row = await self._lobby.row(show)
        is_host = runs_show(person, show)
        may = RoomRights(host=is_host, moderate=is_host or _moderates(person, show))
        return answer(RoomDetail(**asdict(row), time_zone=show.time_zone, may=may))

    async def shelf(self, request: Request) -> Answer[ShelfView]:
        """What can be shown and sold in a show."""
        show = await self._show(request)
        products = await self._catalog.shelf(show.room)
        return answer(ShelfView([_shelf_row(product) for product in products]))

    async def set_shelf(self, request: Request) -> Answer[ShelfView]:
        """Puts products of the show's shop on its shelf."""
        show, person = await self._own_show(request)
        before = await self._catalog.shelf(show.room)
        wanted = (await read(request, NewShelf)).products
        await self._catalog.set_shelf(show.room, wanted)
        ids = [product.product for product in before]
        await self._trail.note(request, person, "shelf.set", show.room, before=ids, after=wanted)
        return await self.shelf(request)

    async def media(self, request: Request) -> Answer[SeatMedia]:
        """Where a seat's picture is, and the key to it; a key to publish only for who holds the seat."""
        show, person = await self._show(request), await self._door.who(request)
        asked = query(request, SeatQuery)
        seat, who = asked.seat, person.person if person is not None else new_id()
        await self._refuse_banned(show, who)
        watch = self._door.tokens.mint_subscribe(who, show.room, is_guest=person is None or person.guest)
        publish = None
        if show.phase != "ended" and await self._holds(show, who, seat):
            seconds = PUBLISH_SECONDS if asked.encoder is None else ENCODER_SECONDS
            publish = self._door.tokens.mint_publish(who, show.room, seat, seconds)
        return answer(
            SeatMedia(
                whep_url=self._media.address("whep", show.room, seat, watch),
                whep_token=watch,
                whip_url=self._media.address("whip", show.room, seat, publish) if publish else None,
                whip_token=publish,
                check_url=self._media.check_address(show.room, seat),
                ice_servers=self._ice_servers.describe(),
            )
        )

    async def _holds(self, show: Show, who: str, seat: str) -> bool:
        if seat == HOST_SEAT:
            return who == show.host
        glance = (await self._live.look([show.room])).get(show.room)
        return glance is not None and seat_of(glance.state, who) == seat

    async def _refuse_banned(self, show: Show, who: str) -> None:
        sanctions = Sanctions()
        sanctions.replace(*await self._sanctions.of_room(show.room))
        if sanctions.applies(BAN, who, self._clock()):
            raise Forbidden("banned")

    async def campaigns(self, request: Request) -> Answer[CampaignList]:
        """The coupons that the host can drop or that sharing earns."""
        show, _ = await self._own_show(request)
        found = await self._campaigns.of_shop(show.shop, self._clock())
        return answer(CampaignList([_campaign(one) for one in found]))

    def _planned(self, wanted: NewShow, person: Person, shop: ShopId) -> Show:
        now_ms = self._clock()
        ends_ms = wanted.starts_ms + DEFAULT_MS if wanted.ends_ms is None else wanted.ends_ms
        check_plan(wanted.starts_ms, ends_ms, wanted.time_zone, now_ms)
        return Show(
            room=RoomId(new_id(pick_shard(new_id(), self._shards), now_ms)),
            shop=shop,
            host=PersonId(person.person),
            title=checked_title(wanted.title),
            cover=wanted.cover,
            phase="scheduled",
            starts_ms=wanted.starts_ms,
            ends_ms=ends_ms,
            time_zone=wanted.time_zone,
            created_ms=now_ms,
        )

    async def _show(self, request: Request) -> Show:
        return await self._schedule.show(RoomId(request.path_params["room"]))

    async def _own_show(self, request: Request) -> tuple[Show, Person]:
        """The show, for its host or an operator.

        Raises:
            Forbidden: ``host_only``.
        """
        person = await self._door.signed_in(request)
        show = await self._show(request)
        if not runs_show(person, show):
            raise Forbidden("host_only")
        return show, person


def _campaign(one: Campaign) -> CampaignView:
    return CampaignView(**{name: getattr(one, name) for name in CampaignView.__struct_fields__})


def _moderates(person: Person | None, show: Show) -> bool:
    return person is not None and any(person.has_role(role, show.shop) for role in ("moderator", "host"))


def _shelf_row(product: Product) -> ShelfRow:
    return ShelfRow(
        **asdict(product_card(product)),
        category=product.category,
        stock=tuple(StockRow(sku.sku, sku.on_hand) for sku in product.skus),
    )
