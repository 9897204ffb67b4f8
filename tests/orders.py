"""Orders for tests."""

from __future__ import annotations

from livecommerce.orders import Capture, ConfirmedOrder, OrderLine, OrderTerms

TERMS = OrderTerms(commission_ppm=50_000, technical_fee_ppm=6_000, creator_ppm=200_000)


def a_line(line: int, gross: int, merchant_discount: int = 0, platform_discount: int = 0) -> OrderLine:
    """One unit of something."""
    return OrderLine(
        line=line,
        product="product",
        sku=f"sku{line}",
        category="tea",
        qty=1,
        unit_price_minor=gross,
        gross_minor=gross,
        merchant_discount_minor=merchant_discount,
        platform_discount_minor=platform_discount,
        paid_minor=gross - merchant_discount - platform_discount,
    )


def an_order(
    *lines: OrderLine,
    order: str = "order",
    terms: OrderTerms = TERMS,
    shop: str = "shop",
    host_shop: str = "shop",
    room: str = "room",
    sale: str = "sale",
    currency: str = "CNY",
    confirmed_ms: int = 1_700_000_000_000,
) -> ConfirmedOrder:
    """A paid order of the given lines; without any, the worked example of the documentation."""
    lines = lines or (a_line(1, 10_000, 500, 1_000),)
    total = sum(line.paid_minor for line in lines)
    return ConfirmedOrder(
        order=order,
        room=room,
        shop=shop,
        host_shop=host_shop,
        buyer="buyer",
        creator="creator",
        sale=sale,
        segment=None,
        brand=None if shop == host_shop else shop,
        campaign=None,
        currency=currency,
        lines=lines,
        total_minor=total,
        terms=terms,
        charge=Capture(
            provider="sandbox", payment=f"pay-{order}", captured_minor=total, captured_ms=confirmed_ms
        ),
        created_ms=confirmed_ms - 60_000,
        confirmed_ms=confirmed_ms,
    )
