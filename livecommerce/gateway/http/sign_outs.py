"""Signing out everywhere: every token that a person has is refused from then on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.accounts import AccountStore, identify
from livecommerce.clock import Clock
from livecommerce.errors import NotFound
from livecommerce.gateway.auth import Door, clear_session
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Resource, in_role
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.revocation import Revocation, RevocationStore

ACTION = "person.revoke"


class Whom(Struct):
    """Whom to sign out: a login name, or a person's id."""

    who: Annotated[str, Meta(max_length=80)]


class SignedOut(Struct, frozen=True, kw_only=True):
    """Who was signed out."""

    person: str
    name: str
    """Empty where the person has no account here."""


def sign_out_routes(
    accounts: AccountStore, revocations: RevocationStore, trail: RequestTrail, door: Door, clock: Clock
) -> list[BaseRoute]:
    """``DELETE /api/session/everywhere`` for oneself, ``POST /api/sign-outs`` for operators."""

    async def sign_out_everywhere(request: Request) -> Response:
        """Signs oneself out on every device."""
        person = await door.signed_in(request)
        await revocations.revoke(Revocation(person=person.person, before_ms=clock()))
        await trail.note(request, person, ACTION, person.person)
        response = Response(status_code=204)
        clear_session(response)
        return response

    async def sign_out_somebody(request: Request) -> Answer[SignedOut]:
        """Signs a person out on every device."""
        operator = await door.signed_in(request)
        operator.require("operator")
        person, name = await identify(accounts, (await read(request, Whom)).who)
        await revocations.revoke(Revocation(person=person, before_ms=clock()))
        await trail.note(request, operator, ACTION, person)
        return answer(SignedOut(person=person, name=name))

    api = Resource("session", SIGNED_IN)
    return [
        api.operation("DELETE", "/api/session/everywhere", sign_out_everywhere),
        api.operation(
            "POST",
            "/api/sign-outs",
            sign_out_somebody,
            SignedOut,
            takes=Whom,
            caller=in_role("operator"),
            refuses={NotFound: ["person_not_found"]},
        ),
    ]
