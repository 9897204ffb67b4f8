"""What people may do with sales and coupons in a room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from livecommerce.basket import Offer, WishLine
from livecommerce.catalog import Allocation, Product
from livecommerce.checkout import Held, Wish
from livecommerce.clock import Clock
from livecommerce.coupon import Campaign, Campaigns, CouponDrop, Wallets
from livecommerce.errors import Conflict, DomainError, NotFound, Unavailable
from livecommerce.flash_sale import TERMS, Inventory, Place, SaleOpening
from livecommerce.gateway.lines import Lines
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.room_commands import ok
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.gateway.session import Session
from livecommerce.gateway.trail import Trail
from livecommerce.ids import CampaignId, PersonId, RoomId, SaleId, SkuId, named_id, new_id, shard_of
from livecommerce.room import room as rules
from livecommerce.room.cards import FLASH, SHELF, DropCard, ProductCard, RoomState, SaleCard
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import ATTEMPTS, LiveRoom, Stale
from livecommerce.room.stage import EndPictures
from livecommerce.waitlist import Line


class Buying(Protocol):
    """Where wishes become holds."""

    async def buy(self, wish: Wish) -> Held:
        """Takes units, or raises why not."""
        ...


class Stockroom(Protocol):
    """The shop's products and stock, and what of it is lent to sales."""

    async def find_on_shelf(self, room: str, sku: SkuId) -> tuple[Product, ProductCard]:
        """The product of a SKU that is on this room's shelf, and how the room shows it."""
        ...

    async def brand_ppm(self, room: str, product: Product) -> int:
        """What a guest brand leaves to the show's shop for a product."""
        ...

    async def allocate(self, sale: SaleId, sku: SkuId, units: int, at_ms: int) -> Allocation:
        """Lends units to a sale, once per sale."""
        ...

    async def take_back(self, sale: SaleId, sold: int, at_ms: int) -> Allocation:
        """Ends a sale's loan."""
        ...


class SellingCommands:
    """Handlers of the messages about sales and coupons."""

    def __init__(
        self,
        buying: Buying,
        inventory: Inventory,
        stockroom: Stockroom,
        wallets: Wallets,
        campaigns: Campaigns,
        lines: Lines,
        trail: Trail,
        clock: Clock,
        hold_seconds: int,
        end_pictures: EndPictures,
    ) -> None:
        self._buying = buying
        self._inventory = inventory
        self._stockroom = stockroom
        self._wallets = wallets
        self._campaigns = campaigns
        self._lines = lines
        self._trail = trail
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._end_pictures = end_pictures

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {
            from_client.Buy: self.buy,
            from_client.BuyBag: self.buy_bag,
            from_client.Claim: self.claim,
            from_client.SaleOpen: self.open_sale,
            from_client.ShelfOpen: self.open_sale,
            from_client.SaleClose: self.close_sale,
            from_client.CouponDrop: self.drop_coupon,
            from_client.ShowEnd: self.end_show,
        }

    # ------------------------------------------------------------ buyers

    async def buy(self, session: Session, message: from_client.Buy) -> to_client.Ok | None:
        """Takes units of a sale at the price the buyer saw."""
        grants = (message.grant,) if message.grant else ()
        return await self._hold(session, message, (message,), grants)

    async def buy_bag(self, session: Session, message: from_client.BuyBag) -> to_client.Ok | None:
        """Takes units of several sales at the prices the buyer saw, all or nothing."""
        return await self._hold(session, message, message.lines, message.grants)

    async def _hold(
        self,
        session: Session,
        message: from_client.Buy | from_client.BuyBag,
        lines: Sequence[from_client.Buy | from_client.BagLine],
        grants: Sequence[str],
    ) -> to_client.Ok | None:
        session.require_account()
        state = session.served.live.state
        for line in lines:
            card = next((card for card in state.sales if card.sale == line.sale), None)
            if card is None:
                continue  # it may be closed by now, and still be the buyer's turn: the inventory knows
            if card.version != line.version and card.price_minor != line.price_minor:
                raise Conflict(
                    "price_changed", price_minor=card.price_minor, version=card.version, sale=card.sale
                )
        segment = state.segment
        held = await self._buying.buy(
            Wish(
                buyer=session.person.person,
                key=message.key,
                lines=tuple(
                    WishLine(sale=line.sale, price_minor=line.price_minor, qty=line.qty) for line in lines
                ),
                grants=tuple(grants),
                segment=segment.segment if segment else None,
                brand=segment.brand if segment else None,
                room=state.room,
            )
        )
        for stock in held.stocks:
            session.served.share_stock(stock)
        return to_client.Ok(id=message.id, order=held.order) if message.id is not None else None

    async def claim(self, session: Session, message: from_client.Claim) -> to_client.Ok | None:
        """Takes a coupon that was dropped."""
        session.require_account()
        person, room = PersonId(session.person.person), RoomId(session.served.live.room)
        grant = await self._wallets.claim(message.drop, person, room)
        return to_client.Ok(id=message.id, grant=grant) if message.id is not None else None

    # ------------------------------------------------------------ the host

    async def open_sale(
        self, session: Session, message: from_client.SaleOpen | from_client.ShelfOpen
    ) -> to_client.Ok | None:
        """Lends stock to a new sale and opens it. The same key again is the same sale."""
        session.require_host()
        served = session.served
        room = served.live.room
        sale = SaleId(named_id(shard_of(room), "sale", room, message.key))
        sku = SkuId(message.sku)
        if any(card.sale == sale for card in served.live.state.sales):
            return ok(message)
        product, shown = await self._stockroom.find_on_shelf(room, sku)
        brand_ppm = await self._stockroom.brand_ppm(room, product)
        lent = await self._stockroom.allocate(sale, sku, message.stock, self._clock())
        if lent.returned is not None or (lent.allocated, lent.sku) != (message.stock, sku):
            raise Conflict("key_reused")
        try:
            line = self._lines.line_of(sale, message)
            opening = self._opening(served.live.state, sale, message, product, shown, brand_ppm, line)
            await self._lines.prepare(sale, line)
            await self._append(served, lambda: self._open(served, opening, message))
        except Unavailable:
            raise  # it may have opened; the same key finds out
        except DomainError:
            await self._give_back(sale)
            raise
        after = {"price_minor": _price(message, product), "stock": message.stock, "sku": sku}
        await self._trail.note(session, "sale.opened", sale, after)
        return ok(message)

    async def _give_back(self, sale: SaleId) -> None:
        """Ends the loan of a sale that was refused, unless a twin has opened it; from then on none can."""
        if await self._inventory.void(sale):
            await self._stockroom.take_back(sale, 0, self._clock())

    async def _open(
        self, served: ServedRoom, opening: SaleOpening, message: from_client.SaleOpen | from_client.ShelfOpen
    ) -> None:
        live = served.live
        rules.check_sale(live.state, message.sku, _kind(message))
        await self._inventory.open_sale(opening, Place(epoch=live.epoch, offset=live.offset))

    def _opening(
        self,
        state: RoomState,
        sale: SaleId,
        message: from_client.SaleOpen | from_client.ShelfOpen,
        product: Product,
        shown: ProductCard,
        brand_ppm: int,
        line: Line | None,
    ) -> SaleOpening:
        kind, flash = _kind(message), isinstance(message, from_client.SaleOpen)
        segment = state.segment if flash else None
        card = SaleCard(
            sale=sale,
            version=1,
            phase="",
            product=shown,
            sku=message.sku,
            price_minor=0,
            list_price_minor=product.variant(message.sku).price_minor,
            currency=product.currency,
            stock=0,
            limit=0,
            opens_ms=0,
            closes_ms=0,
            hold_seconds=self._hold_seconds,
            segment=segment.segment if segment else None,
            kind=kind,
            line=line.kind if line else "",
            window_ms=line.window_seconds * 1000 if line else 0,
            commit=line.commit if line else "",
        )
        offer = Offer(
            sale=sale,
            room=state.room,
            shop=product.shop,
            host_shop=state.shop,
            creator=state.host.person,
            product=product.product,
            sku=message.sku,
            category=product.category,
            title=product.title,
            image=product.image,
            currency=product.currency,
            brand_ppm=brand_ppm,
        )
        return SaleOpening(
            sale=sale,
            room=RoomId(state.room),
            sku=message.sku,
            price_minor=_price(message, product),
            stock=message.stock,
            limit=message.limit,
            opens_ms=message.opens_ms if isinstance(message, from_client.SaleOpen) else 0,
            wait_ms=message.wait_seconds * 1000 if isinstance(message, from_client.SaleOpen) else 0,
            length_ms=_length_ms(message, line),
            hold_seconds=self._hold_seconds,
            offer=msgspec.json.encode(offer),
            card=_unchanging(card),
        )

    async def close_sale(self, session: Session, message: from_client.SaleClose) -> to_client.Ok | None:
        """Closes a sale, or cancels one that has not opened; holds keep their time."""
        session.require_host()
        rules.find_sale(session.served.live.state, message.sale)
        count = await self._inventory.close_sale(SaleId(message.sale), message.version)
        session.served.share_stock(count)
        await self._trail.note(session, "sale.closed", message.sale, {"sold": count.sold})
        return ok(message)

    async def end_show(self, session: Session, message: from_client.ShowEnd) -> to_client.Ok | None:
        """Closes what is on sale, also what opens meanwhile elsewhere, and ends the show."""
        session.require_host()
        live = session.served.live
        rules.end_show(live.state, self._clock())
        for _ in range(ATTEMPTS):
            await self._close_all(live)
            try:
                await live.command(self._end_if_nothing_sells)
            except _StillSelling:
                continue
            self._end_pictures(live.room, "")
            await self._trail.note(session, "show.ended", live.room, {"offset": live.offset})
            return ok(message)
        raise Unavailable("room_busy")

    async def _close_all(self, live: LiveRoom) -> None:
        with suppress(Conflict):  # its terms have changed elsewhere: the next attempt closes it as it is
            for sale in live.state.sales:
                if sale.phase != "closed":
                    await self._inventory.close_sale(SaleId(sale.sale), sale.version)
        await live.catch_up()

    def _end_if_nothing_sells(self, state: RoomState) -> Sequence[RoomEvent]:
        if state.phase == "live" and any(sale.phase != "closed" for sale in state.sales):
            raise _StillSelling
        return rules.end_show(state, self._clock())

    async def drop_coupon(self, session: Session, message: from_client.CouponDrop) -> to_client.Ok | None:
        """Offers a campaign's coupons; their money is set aside first."""
        session.require_host()
        served = session.served
        room = RoomId(served.live.room)
        campaign = CampaignId(message.campaign)
        drop = named_id(shard_of(room), "drop", room, message.campaign, message.key or new_id())
        terms = await self._campaigns.find(campaign)
        self._check_drop(served, terms, message)
        amount = message.count * terms.summary.discount_minor
        await self._campaigns.lend(campaign, drop, amount, self._clock())
        await self._wallets.allot(room, campaign, drop, amount, terms.ends_ms)
        await self._append(served, lambda: self._drop(served, drop, message, terms))
        await self._trail.note(session, "coupon.dropped", drop, {"count": message.count})
        return ok(message)

    def _check_drop(self, served: ServedRoom, terms: Campaign, message: from_client.CouponDrop) -> None:
        """Refuses before any money is set aside; another shop's campaign is as good as none."""
        if terms.shop != served.live.state.shop:
            raise NotFound("campaign_not_found")
        if terms.kind != "drop" or not terms.runs_at(self._clock()):
            raise Conflict("campaign_not_running")
        rules.drop_coupon(served.live.state, self._drop_card("", terms, message), self._clock())

    async def _drop(
        self, served: ServedRoom, drop: str, message: from_client.CouponDrop, terms: Campaign
    ) -> None:
        card = self._drop_card(drop, terms, message)
        live = served.live
        event = rules.drop_coupon(live.state, card, self._clock())
        offered = CouponDrop(
            drop=drop,
            room=RoomId(served.live.room),
            summary=terms.summary,
            funder=terms.funder,
            count=message.count,
            per_person=terms.per_person,
            ends_ms=card.ends_ms,
        )
        await self._wallets.drop(offered, live.epoch, live.offset, _without_offset(event))

    def _drop_card(self, drop: str, terms: Campaign, message: from_client.CouponDrop) -> DropCard:
        return DropCard(
            drop=drop,
            campaign=message.campaign,
            title=terms.title,
            discount_minor=terms.discount_minor,
            threshold_minor=terms.threshold_minor,
            currency=terms.currency,
            count=message.count,
            percent_ppm=terms.percent_ppm,
            exclusive=terms.exclusive,
            shop=terms.summary.shop,
            ends_ms=min(self._clock() + message.seconds * 1000, terms.ends_ms),
        )

    async def _append(self, served: ServedRoom, attempt: Callable[[], Awaitable[None]]) -> None:
        """Tries at the room's current offset until nobody was faster."""
        for _ in range(ATTEMPTS):
            try:
                await attempt()
            except Stale:
                await served.catch_up()
                continue
            await served.catch_up()
            return
        raise Unavailable("room_busy")


def _without_offset(event: RoomEvent) -> bytes:
    fields = msgspec.to_builtins(event)
    del fields["offset"]
    return msgspec.json.encode(fields)


def _price(message: from_client.SaleOpen | from_client.ShelfOpen, product: Product) -> int:
    """A flash sale's own price, or the list price."""
    if isinstance(message, from_client.SaleOpen):
        return message.price_minor
    return product.variant(message.sku).price_minor


def _kind(message: from_client.SaleOpen | from_client.ShelfOpen) -> str:
    return FLASH if isinstance(message, from_client.SaleOpen) else SHELF


def _length_ms(message: from_client.SaleOpen | from_client.ShelfOpen, line: Line | None) -> int:
    """How long it is open; a draw's entries come before."""
    seconds = (
        message.seconds + (line.window_seconds if line else 0)
        if isinstance(message, from_client.SaleOpen)
        else 0
    )
    return seconds * 1000


def _unchanging(card: SaleCard) -> bytes:
    """What of a card stays as it is while the sale lasts."""
    fields = msgspec.to_builtins(card)
    return msgspec.json.encode({name: fields[name] for name in fields if name not in TERMS})


class _StillSelling(Exception):
    """A sale opened while the show was being ended."""
