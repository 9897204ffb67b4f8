"""Rooms and cards for tests."""

from __future__ import annotations

from livecommerce.room.cards import CommentLine, PersonCard, ProductCard, RoomState, SaleCard, SkuCard
from livecommerce.room.events import SaleOpened

ROOM = "00" + "R" * 26
HOST = "zz" + "H" * 26


def a_room(phase: str = "live") -> RoomState:
    return RoomState(
        room=ROOM,
        shop="zz" + "S" * 26,
        title={"en": "Evening show"},
        host=PersonCard(person=HOST, name="Mei", role="host"),
        phase=phase,
        starts_ms=1_000,
    )


def a_product(name: str = "umbrella") -> ProductCard:
    return ProductCard(
        product=f"p-{name}",
        title={"en": name},
        image=f"/demo/{name}.svg",
        price_minor=12_900,
        currency="CNY",
        skus=(SkuCard(sku=f"sku-{name}", title={"en": "one"}, price_minor=12_900),),
    )


def a_sale(name: str = "umbrella", at_ms: int = 5_000) -> SaleCard:
    product = a_product(name)
    return SaleCard(
        sale=f"sale-{name}",
        version=1,
        phase="open",
        product=product,
        sku=product.skus[0].sku,
        price_minor=9_900,
        list_price_minor=12_900,
        currency="CNY",
        stock=10,
        limit=1,
        opens_ms=at_ms,
        closes_ms=at_ms + 60_000,
        hold_seconds=180,
    )


def opened(sale: SaleCard) -> SaleOpened:
    """What the inventory appends when a sale opens."""
    return SaleOpened(at_ms=sale.opens_ms, sale=sale)


def a_comment(comment: str = "c1", person: str = "p", text: str = "hello") -> CommentLine:
    return CommentLine(comment=comment, person=PersonCard(person=person, name="Lin"), text=text, at_ms=1)
