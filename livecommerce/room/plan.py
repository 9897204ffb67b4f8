"""What is planned, as the room shows it: shows, products and segments become cards."""

from __future__ import annotations

from livecommerce.catalog import Product
from livecommerce.localized import LocalText
from livecommerce.room.cards import PersonCard, ProductCard, RoomState, SegmentCard, SkuCard
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.show import Show


def room_of(show: Show, host_name: str) -> RoomState:
    """A show's room before anything has happened in it."""
    return RoomState(
        room=show.room,
        shop=show.shop,
        title=show.title,
        host=host_card(show, host_name),
        phase="scheduled",
        starts_ms=show.starts_ms,
    )


def host_card(show: Show, host_name: str) -> PersonCard:
    """A show's host as viewers see them."""
    return PersonCard(person=show.host, name=host_name, role="host")


def product_card(product: Product) -> ProductCard:
    """A product as rooms and pages show it; its price is that of its first variant."""
    skus = tuple(SkuCard(sku=sku.sku, title=sku.title, price_minor=sku.price_minor) for sku in product.skus)
    return ProductCard(
        product=product.product,
        title=product.title,
        image=product.image,
        price_minor=skus[0].price_minor,
        currency=product.currency,
        shop=product.shop,
        skus=skus,
    )


def segment_card(segment: Segment, brand_name: LocalText, starts_ms: int, ends_ms: int) -> SegmentCard:
    """A segment on air, at the times at which it really is."""
    return SegmentCard(
        segment=segment.segment,
        kind=segment.kind,
        title=segment.title,
        brand=segment.brand,
        brand_name=brand_name,
        starts_ms=starts_ms,
        ends_ms=ends_ms,
    )
