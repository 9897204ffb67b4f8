"""Signing in and out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.accounts import DECOY_HASH, AccountStore, Person, clean_nickname, verify_password
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, NotFound, TooMany, Unauthenticated
from livecommerce.gateway.auth import Door, clear_session, guest, set_session
from livecommerce.gateway.http.json import answer, read

ATTEMPTS = 10
WINDOW_MS = 60_000
"""Failed sign-ins per login name and minute."""
REMEMBERED = 10_000
"""Login names with failures that are kept in memory."""


class Credentials(Struct):
    """A login name and a password."""

    login: Annotated[str, Meta(max_length=80)]
    password: Annotated[str, Meta(max_length=200)]


class Nickname(Struct):
    """What a guest wants to be called."""

    nickname: Annotated[str, Meta(max_length=80)]


class DemoRole(Struct):
    """Which of the demo's people to be."""

    role: Literal["viewer", "viewer2", "host", "brand", "operator"]


class FailedAttempts:
    """Slows down guessing: a login name with too many failures has to wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, list[int]] = {}

    def check(self, login: str) -> None:
        """Refuses a login name that failed too often in the last minute."""
        recent = [at_ms for at_ms in self._failures.get(login, []) if at_ms > self._clock() - WINDOW_MS]
        if recent:
            self._failures[login] = recent
        else:
            self._failures.pop(login, None)
        if len(recent) >= ATTEMPTS:
            raise TooMany("too_many_attempts", wait_ms=recent[0] + WINDOW_MS - self._clock())

    def failed(self, login: str) -> None:
        """Remembers a failure."""
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()
        self._failures.setdefault(login, []).append(self._clock())


def session_routes(
    accounts: AccountStore, door: Door, clock: Clock, *, demo: bool, secure: bool
) -> list[BaseRoute]:
    """``/api/session``; the demo's one-click sign-in exists only in demo mode."""
    attempts = FailedAttempts(clock)

    def signed_in(person: Person) -> Response:
        token, expires_ms = door.tokens.mint(person)
        response = answer(describe(person, expires_ms))
        set_session(response, token, secure=secure)
        return response

    async def current(request: Request) -> Response:
        person, expires_ms = door.session(request) or (None, 0)
        return answer(describe(person, expires_ms))

    async def sign_in(request: Request) -> Response:
        credentials = await read(request, Credentials)
        login = credentials.login.strip().lower()
        attempts.check(login)
        account = await accounts.find_by_login(login)
        stored = account.password_hash if account is not None else DECOY_HASH
        good = await asyncio.to_thread(verify_password, credentials.password, stored)
        if account is None or not good:
            attempts.failed(login)
            raise Unauthenticated("bad_credentials")
        return signed_in(account.as_person())

    async def as_guest(request: Request) -> Response:
        return signed_in(guest(clean_nickname((await read(request, Nickname)).nickname)))

    async def as_demo(request: Request) -> Response:
        if not demo:
            raise Forbidden("demo_only")
        account = await accounts.find_by_login((await read(request, DemoRole)).role)
        if account is None:
            raise NotFound("demo_not_seeded")
        return signed_in(account.as_person())

    async def sign_out(_request: Request) -> Response:
        response = Response(status_code=204)
        clear_session(response)
        return response

    return [
        Route("/api/session", current, methods=["GET"]),
        Route("/api/session", sign_in, methods=["POST"]),
        Route("/api/session", sign_out, methods=["DELETE"]),
        Route("/api/session/guest", as_guest, methods=["POST"]),
        Route("/api/session/demo", as_demo, methods=["POST"]),
    ]


def describe(person: Person | None, expires_ms: int) -> dict[str, object]:
    """The answer that tells a browser who it is."""
    if person is None:
        return {"person": None, "expires_ms": 0}
    return {
        "person": {
            "person": person.person,
            "name": person.name,
            "role": person.main_role,
            "roles": person.roles,
            "guest": person.guest,
        },
        "expires_ms": expires_ms,
    }
