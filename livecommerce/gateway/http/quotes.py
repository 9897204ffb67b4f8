"""What a bag would cost, coupons and shipping included, before anything is held."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.basket import MAX_LINES, WishLine
from livecommerce.checkout import Checkout
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Resource
from livecommerce.ids import is_id
from livecommerce.quote import Quote, quote

MAX_COUPONS = 50
MISFITS = (
    "coupon_currency",
    "coupon_exclusive",
    "coupon_not_for_this",
    "coupon_threshold",
    "coupons_not_together",
)
"""Why chosen coupons do not fit; see ``discount``."""


class QuotedLine(Struct, frozen=True, kw_only=True):
    """Units of one sale at the price that the buyer sees."""

    sale: Annotated[str, Meta(max_length=32)]
    price_minor: Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
    qty: Annotated[int, Meta(ge=1, le=99)] = 1


class QuoteRequest(Struct, frozen=True, kw_only=True):
    """A bag and a wallet."""

    lines: Annotated[list[QuotedLine], Meta(min_length=1, max_length=MAX_LINES)]
    wallet: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=MAX_COUPONS)] = []
    """Coupons that may be used."""
    chosen: Annotated[list[str], Meta(max_length=2)] | None = None
    """Those of the wallet to use; null: the best ones."""


def quote_routes(checkout: Checkout, door: Door) -> list[BaseRoute]:
    """``POST /api/quotes``."""

    async def ask_quote(request: Request) -> Answer[Quote]:
        """What a bag costs at this moment, with the best coupons or with chosen ones; holds nothing."""
        await door.signed_in(request)
        wanted = await read(request, QuoteRequest)
        lines = [WishLine(sale=one.sale, price_minor=one.price_minor, qty=one.qty) for one in wanted.lines]
        wallet = [grant for grant in dict.fromkeys(wanted.wallet) if is_id(grant)]
        basket, policy, coupons = await checkout.look(lines, wallet)
        return answer(quote(basket, policy, coupons, wanted.chosen))

    return [
        Resource("orders", SIGNED_IN).operation(
            "POST",
            "/api/quotes",
            ask_quote,
            Quote,
            takes=QuoteRequest,
            refuses={
                Invalid: ["bad_bag"],
                NotFound: ["sale_not_found", "coupon_not_found"],
                Conflict: ["several_shops", *MISFITS],
            },
        )
    ]
