"""Signing out everywhere: every token that a person has is refused from then on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.accounts import AccountStore, identify
from livecommerce.clock import Clock
from livecommerce.gateway.auth import Door, clear_session
from livecommerce.gateway.http.json import answer, read
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.revocation import Revocation, RevocationStore

ACTION = "person.revoke"


class Whom(Struct):
    """Whom to sign out: a login name, or a person's id."""

    who: Annotated[str, Meta(max_length=80)]


def sign_out_routes(
    accounts: AccountStore, revocations: RevocationStore, trail: RequestTrail, door: Door, clock: Clock
) -> list[BaseRoute]:
    """``DELETE /api/session/everywhere`` for oneself, ``POST /api/sign-outs`` for operators."""

    async def own(request: Request) -> Response:
        person = await door.signed_in(request)
        await revocations.revoke(Revocation(person=person.person, before_ms=clock()))
        await trail.note(request, person, ACTION, person.person)
        response = Response(status_code=204)
        clear_session(response)
        return response

    async def somebody(request: Request) -> Response:
        operator = await door.signed_in(request)
        operator.require("operator")
        person, name = await identify(accounts, (await read(request, Whom)).who)
        await revocations.revoke(Revocation(person=person, before_ms=clock()))
        await trail.note(request, operator, ACTION, person)
        return answer({"person": person, "name": name})

    return [
        Route("/api/session/everywhere", own, methods=["DELETE"]),
        Route("/api/sign-outs", somebody, methods=["POST"]),
    ]
