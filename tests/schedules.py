"""Shows and segments for tests: a show from 0 to 2 hours, times in minutes."""

from __future__ import annotations

from livecommerce.ids import PersonId, ProductId, RoomId, SegmentId, ShopId
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.show import Show

MINUTE = 60_000


def a_show(room: str = "00room", *, host: str = "host", shop: str = "shop", starts: int = 0) -> Show:
    return Show(
        room=RoomId(room),
        shop=ShopId(shop),
        host=PersonId(host),
        title={"zh-CN": "晚场", "en": "Evening"},
        cover="/demo/cover-1.svg",
        phase="scheduled",
        starts_ms=starts * MINUTE,
        ends_ms=(starts + 120) * MINUTE,
        time_zone="Asia/Shanghai",
        created_ms=0,
    )


def a_segment(
    segment: str,
    starts: int,
    ends: int,
    *,
    room: str = "00room",
    brand: str = "brand",
    products: tuple[str, ...] = ("tea",),
    state: str = "requested",
) -> Segment:
    return Segment(
        segment=SegmentId(segment),
        room=RoomId(room),
        brand=ShopId(brand),
        kind="brand",
        state=state,
        title={"en": "Tea, first flush"},
        starts_ms=starts * MINUTE,
        ends_ms=ends * MINUTE,
        commission_ppm=150_000,
        products=tuple(ProductId(product) for product in products),
        note="",
        reason="",
        requested_by=PersonId("anna"),
        created_ms=0,
    )
