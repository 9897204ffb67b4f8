"""Shows as the lobby lists them: the plan, with live numbers where a show is on."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.gateway.programme import Programme
from livecommerce.localized import LocalText
from livecommerce.room.cards import FLASH, PersonCard, ProductCard
from livecommerce.room.glance import Glance
from livecommerce.room.plan import host_card
from livecommerce.schedule.show import Show

MAX_UPCOMING = 60
MAX_ENDED = 20
MISSED_AFTER_MS = 24 * 3_600_000
"""A show that nobody started leaves the lobby this long after its planned end."""

_ORDER = {"live": 0, "scheduled": 1, "ended": 2}


class Price(Struct, frozen=True, kw_only=True):
    """A running sale's price beside the usual one."""

    price_minor: int
    list_price_minor: int
    currency: str


class RoomRow(Struct, frozen=True, kw_only=True):
    """One show in the lobby."""

    room: str
    title: LocalText
    shop: str
    shop_name: LocalText
    host: PersonCard
    phase: str
    starts_ms: int
    ends_ms: int
    started_ms: int | None
    viewers: int
    likes: int
    cover: str
    pinned: ProductCard | None
    sale: Price | None


class Lobby:
    """Reads shows for people who choose one."""

    def __init__(self, programme: Programme, clock: Clock) -> None:
        self._programme = programme
        self._clock = clock

    async def rows(self) -> list[RoomRow]:
        """Live shows with most viewers first, then what comes next, then what ended last."""
        now_ms = self._clock()
        open_shows = [
            show
            for show in await self._programme.schedule.unfinished()
            if show.phase == "live" or show.ends_ms + MISSED_AFTER_MS > now_ms
        ]
        shows = [*open_shows[:MAX_UPCOMING], *await self._programme.schedule.last_ended(MAX_ENDED)]
        return sorted(await self._describe(shows), key=_rank)

    async def row(self, show: Show) -> RoomRow:
        """One show."""
        [row] = await self._describe([show])
        return row

    async def _describe(self, shows: Sequence[Show]) -> list[RoomRow]:
        shops = await self._programme.shops.names_of([show.shop for show in shows])
        hosts = await self._programme.accounts.names_of([show.host for show in shows])
        glances = await self._look([show.room for show in shows if show.phase != "ended"])
        return [
            _row(show, shops.get(show.shop, {}), hosts.get(show.host, ""), glances.get(show.room))
            for show in shows
        ]

    async def _look(self, rooms: Sequence[str]) -> dict[str, Glance]:
        """Without live numbers the plan is still worth showing."""
        try:
            return await self._programme.live.look(rooms)
        except Unavailable:
            return {}


def _row(show: Show, shop_name: LocalText, host_name: str, glance: Glance | None) -> RoomRow:
    state = glance.state if glance is not None else None
    return RoomRow(
        room=show.room,
        title=show.title,
        shop=show.shop,
        shop_name=shop_name,
        host=host_card(show, host_name),
        phase=state.phase if state is not None else show.phase,
        starts_ms=show.starts_ms,
        ends_ms=show.ends_ms,
        started_ms=state.started_ms if state is not None else show.started_ms,
        viewers=glance.viewers if glance is not None else 0,
        likes=glance.likes if glance is not None else 0,
        cover=show.cover,
        pinned=state.pins[0].product if state is not None and state.pins else None,
        sale=_price(glance),
    )


def _price(glance: Glance | None) -> Price | None:
    for sale in glance.state.sales if glance is not None else ():
        if sale.phase == "open" and sale.kind == FLASH:
            return Price(
                price_minor=sale.price_minor,
                list_price_minor=sale.list_price_minor,
                currency=sale.currency,
            )
    return None


def _rank(row: RoomRow) -> tuple[int, int]:
    by_phase = {"live": -row.viewers, "scheduled": row.starts_ms, "ended": -row.starts_ms}
    return _ORDER[row.phase], by_phase[row.phase]
