"""What payment providers tell us."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.errors import Forbidden, Invalid, NotFound
from livecommerce.gateway.http.json import read_body
from livecommerce.gateway.http.operation import MediaType, Resource, signed_by
from livecommerce.payment import Cashier

MAX_CALLBACK_BYTES = 16 * 1024


def payment_routes(cashiers: dict[str, Cashier]) -> list[BaseRoute]:
    """``/api/payments/{provider}/callback``; a success tells the provider not to repeat it."""

    async def hear_provider(request: Request) -> Response:
        """Something happened to a payment or to a refund; the provider chooses the form."""
        cashier = cashiers.get(request.path_params["provider"])
        if cashier is None:
            raise NotFound("provider_not_found")
        await cashier.hear(request.headers, await read_body(request, MAX_CALLBACK_BYTES))
        return Response(status_code=204)

    return [
        Resource("callbacks", signed_by("A payment provider")).operation(
            "POST",
            "/api/payments/{provider}/callback",
            hear_provider,
            takes=MediaType("application/json"),
            refuses={
                NotFound: ["provider_not_found", "payment_not_found", "refund_not_found"],
                Forbidden: ["wrong_merchant"],
                Invalid: ["wrong_amount"],
            },
        )
    ]
