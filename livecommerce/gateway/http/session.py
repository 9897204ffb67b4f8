"""Signing in and out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.accounts import (
    DECOY_HASH,
    AccountStore,
    Membership,
    Person,
    clean_nickname,
    verify_password,
)
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from livecommerce.gateway.auth import Door, clear_session, guest, set_session
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import VISITOR, Caller, Resource
from livecommerce.gateway.limits import line_of
from livecommerce.gateway.proxies import Network, client_address, forwarded_for
from livecommerce.gateway.room_commands import Words

ATTEMPTS = 10
WINDOW_MS = 60_000
"""Sign-ins per login name and per client address (IPv6: per /64) and minute; a good one does not count."""
REMEMBERED = 10_000
"""Login names and addresses that are kept in memory."""
CHECKS_AT_ONCE = 4
"""Passwords that are checked at a time; each costs some 50 ms of CPU."""


class Credentials(Struct):
    """A login name and a password."""

    login: Annotated[str, Meta(max_length=80)]
    password: Annotated[str, Meta(max_length=200)]


class Nickname(Struct):
    """What a guest wants to be called."""

    nickname: Annotated[str, Meta(max_length=80)]


class DemoRole(Struct):
    """Which of the demo's people to be."""

    role: Literal["viewer", "viewer2", "host", "brand", "merchant", "operator"]


class Self(Struct, frozen=True, kw_only=True):
    """Whoever asks."""

    person: str
    name: str
    role: str
    """The role that a room shows beside the name."""
    roles: tuple[Membership, ...]
    guest: bool


class SessionView(Struct, frozen=True, kw_only=True):
    """Who somebody is to the server, and until when."""

    person: Self | None
    """Null: nobody is signed in."""
    expires_ms: int


class Renewal(Struct, frozen=True, kw_only=True):
    """What lets an open socket go on; the browser's cookie is renewed, too."""

    token: str
    """For the socket's ``refresh`` message, within a minute."""
    expires_ms: int
    """Until when the session goes on."""


STRANGER = Caller(words="Anybody.", refuses={Forbidden: ("foreign_origin",)})

COOKIE_HOLDER = Caller(
    words="Whoever a cookie stands for.",
    schemes=("cookie",),
    refuses={Unauthenticated: ("sign_in_required",), Forbidden: ("foreign_origin",)},
)


class Attempts:
    """Slows down guessing: each try counts when it begins, and a good one is taken back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, list[int]] = OrderedDict()

    def begin(self, *names: str) -> None:
        """Counts a try of a login name and of a client's address.

        Raises:
            TooMany: one of them tried too often in the last minute.
        """
        now_ms = self._clock()
        recent = {name: self._recent(name, now_ms) for name in names}
        for tries in recent.values():  # all before the first counts: who is turned away locks nobody out
            if len(tries) >= ATTEMPTS:
                raise TooMany("too_many_attempts", wait_ms=tries[0] + WINDOW_MS - now_ms)
        for name, tries in recent.items():
            self._tries[name] = [*tries, now_ms]
            self._tries.move_to_end(name)
        while len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)

    def succeeded(self, *names: str) -> None:
        """A good password: earlier mistakes are forgiven."""
        for name in names:
            self._tries.pop(name, None)

    def _recent(self, name: str, now_ms: int) -> list[int]:
        return [at_ms for at_ms in self._tries.get(name, []) if at_ms > now_ms - WINDOW_MS]


def session_routes(
    accounts: AccountStore,
    door: Door,
    words: Words,
    trusted: Sequence[Network],
    clock: Clock,
    *,
    demo: bool,
    secure: bool,
) -> list[BaseRoute]:
    """``/api/session``; the demo's one-click sign-in exists only in demo mode."""
    attempts = Attempts(clock)
    checking = asyncio.Semaphore(CHECKS_AT_ONCE)

    def signed_in(person: Person) -> Answer[SessionView]:
        token, expires_ms = door.tokens.mint(person)
        response = answer(describe(person, expires_ms))
        set_session(response, token, secure=secure)
        return response

    async def current(request: Request) -> Answer[SessionView]:
        """Who one is."""
        found = door.session(request)
        return answer(describe(found.person, found.expires_ms) if found is not None else describe(None, 0))

    def address(request: Request) -> str:
        peer = request.client.host if request.client else ""
        return line_of(client_address(peer, forwarded_for(request.headers), trusted))

    async def sign_in(request: Request) -> Answer[SessionView]:
        """Signs in with a password; the session is a cookie."""
        door.refuse_foreign(request)
        credentials = await read(request, Credentials)
        login = credentials.login.strip().lower()
        names = (f"login {login}", f"address {address(request)}")
        attempts.begin(*names)
        account = await accounts.find_by_login(login)
        stored = account.password_hash if account is not None else DECOY_HASH
        async with checking:
            good = await asyncio.to_thread(verify_password, credentials.password, stored)
        if account is None or not good:
            raise Unauthenticated("bad_credentials")
        attempts.succeeded(*names)
        return signed_in(account.as_person())

    async def as_guest(request: Request) -> Answer[SessionView]:
        """Goes in with a nickname, to watch and to comment."""
        door.refuse_foreign(request)
        nickname = clean_nickname((await read(request, Nickname)).nickname)
        if words.blocks(nickname):
            raise Forbidden("blocked_word")
        return signed_in(guest(nickname))

    async def as_demo(request: Request) -> Answer[SessionView]:
        """Signs in as one of the demo's people; only where the demo is on."""
        door.refuse_foreign(request)
        if not demo:
            raise Forbidden("demo_only")
        account = await accounts.find_by_login((await read(request, DemoRole)).role)
        if account is None:
            raise NotFound("demo_not_seeded")
        return signed_in(account.as_person())

    async def renew(request: Request) -> Answer[Renewal]:
        """Lets a session go on, with the roles that the person has now."""
        found = door.cookie_session(request)
        if found is None:
            raise Unauthenticated("sign_in_required")
        person = await as_of_now(found.person)
        token, expires_ms = door.tokens.mint(person, found.signed_in_ms)
        renewal = door.tokens.mint_renewal(person, expires_ms, found.signed_in_ms)
        response = answer(Renewal(token=renewal, expires_ms=expires_ms))
        set_session(response, token, secure=secure)
        return response

    async def as_of_now(person: Person) -> Person:
        if person.guest:
            return person
        account = await accounts.find(person.person)
        if account is None:
            raise Unauthenticated("sign_in_required")
        return account.as_person()

    async def sign_out(request: Request) -> Response:
        """Forgets the cookie."""
        door.refuse_foreign(request)
        response = Response(status_code=204)
        clear_session(response)
        return response

    api = Resource("session", STRANGER)
    return [
        api.operation("GET", "/api/session", current, SessionView, caller=VISITOR),
        api.operation(
            "POST",
            "/api/session",
            sign_in,
            SessionView,
            takes=Credentials,
            refuses={Unauthenticated: ["bad_credentials"], TooMany: ["too_many_attempts"]},
        ),
        api.operation("DELETE", "/api/session", sign_out),
        api.operation("POST", "/api/session/renewal", renew, Renewal, caller=COOKIE_HOLDER),
        api.operation(
            "POST",
            "/api/session/guest",
            as_guest,
            SessionView,
            takes=Nickname,
            refuses={Invalid: ["bad_nickname"], Forbidden: ["blocked_word"]},
        ),
        api.operation(
            "POST",
            "/api/session/demo",
            as_demo,
            SessionView,
            takes=DemoRole,
            refuses={Forbidden: ["demo_only"], NotFound: ["demo_not_seeded"]},
        ),
    ]


def describe(person: Person | None, expires_ms: int) -> SessionView:
    """The answer that tells a browser who it is."""
    if person is None:
        return SessionView(person=None, expires_ms=0)
    who = Self(
        person=person.person,
        name=person.name,
        role=person.main_role,
        roles=person.roles,
        guest=person.guest,
    )
    return SessionView(person=who, expires_ms=expires_ms)
