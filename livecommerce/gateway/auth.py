"""Who is asking: signed tokens, in a cookie, a header, or a socket's first message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from jwt.types import Options
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from livecommerce.accounts import PERSON_ID, Membership, Person
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Unauthenticated
from livecommerce.gateway.own_tokens import ALGORITHM, own_claims
from livecommerce.ids import new_id
from livecommerce.revocation import LONGEST_TOKEN_MS, Revocations

COOKIE = "session"
SESSION_SECONDS = 12 * 3600
RENEWAL_SECONDS = 60
"""How long a renewal waits to be used; what it renews lasts as long as the session."""
PUBLISH_SECONDS = 120
"""A picture is begun with it at once; what is on goes on after it."""
ENCODER_SECONDS = 12 * 3600
"""An encoder such as OBS is given its token once, and comes back with it all show long."""
SUBSCRIBE_SECONDS = 600
_AUDIENCE = "livecommerce"
_RENEWAL_AUDIENCE = "renewal"
_MEDIA_AUDIENCE = "media"
_OPTIONS: Options = {"require": ["exp", "sub", "aud"], "verify_iat": False}
"""Clocks differ, and a token from a moment ahead does no harm."""


class Credential(Struct, frozen=True):
    """What a good token says."""

    person: Person
    expires_ms: int
    signed_in_ms: int
    """When the person proved who they are; renewing changes nothing about it."""


class MediaGrant(Struct, frozen=True):
    """What a good media token allows; no seat stands for every seat, to subscribers."""

    person: str
    room: str
    grant: str
    seat: str


class Tokens:
    """Mints and checks tokens with the deployment's shared key (JWT, HS256)."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self.revocations = Revocations()

    def mint(self, person: Person, signed_in_ms: int | None = None) -> tuple[str, int]:
        """A session token and when it expires (UTC ms); the person signed in just now, or then."""
        now_ms = self._clock()
        expires = now_ms // 1000 + SESSION_SECONDS
        claims = {**_claims(person, now_ms if signed_in_ms is None else signed_in_ms), "aud": _AUDIENCE}
        return jwt.encode({**claims, "exp": expires}, self._secret, ALGORITHM), expires * 1000

    def mint_renewal(self, person: Person, until_ms: int, signed_in_ms: int) -> str:
        """A token for scripts, good for one thing: a socket's session of this person goes on until then.

        It opens nothing and is soon worth nothing, unlike what the cookie hides from scripts.
        """
        expires = self._clock() // 1000 + RENEWAL_SECONDS
        claims = {**_claims(person, signed_in_ms), "aud": _RENEWAL_AUDIENCE, "exp": expires}
        return jwt.encode({**claims, "until": until_ms // 1000}, self._secret, ALGORITHM)

    def read(self, token: str) -> Credential:
        """The person a session token speaks of, and how long.

        One that says neither when its person signed in (``auth_time``) nor when it was minted (``iat``) is
        refused once that person was signed out.

        Raises:
            Unauthenticated: ``token_expired``, ``signed_out`` or ``bad_token``.
        """
        return self._read(token, _AUDIENCE)

    def read_refresh(self, token: str) -> Credential:
        """The person whose session goes on, and how long: by a session token, or a renewal.

        Raises:
            Unauthenticated: ``token_expired``, ``signed_out`` or ``bad_token``.
        """
        return self._read(token, _AUDIENCE, _RENEWAL_AUDIENCE)

    def _read(self, token: str, *audiences: str) -> Credential:
        try:
            claims = own_claims(token, self._secret, audiences)
            if claims is None:
                claims = jwt.decode(token, self._secret, [ALGORITHM], audience=audiences, options=_OPTIONS)
            if not PERSON_ID.fullmatch(claims["sub"]):
                raise ValueError("sub")
            ends = claims.get("until", 0) if claims["aud"] == _RENEWAL_AUDIENCE else claims["exp"]
            if ends * 1000 > self._clock() + LONGEST_TOKEN_MS:
                raise ValueError("exp")
            signed_in_ms = round(claims.get("auth_time", claims.get("iat", 0)) * 1000)
            roles = tuple(Membership(role, shop) for role, shop in claims["roles"])
            person = Person(
                person=claims["sub"], name=claims["name"], guest=bool(claims["guest"]), roles=roles
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("token_expired") from error
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated("bad_token") from error
        if self.revocations.cover(person.person, signed_in_ms):
            raise Unauthenticated("signed_out")
        return Credential(person, int(ends) * 1000, signed_in_ms)

    def mint_publish(self, person: str, room: str, seat: str, seconds: int = PUBLISH_SECONDS) -> str:
        """A token to publish to one seat; worthless once the seat is closed."""
        return self._mint_media(person, room, "publish", seconds, {"seat": seat})

    def mint_subscribe(self, person: str, room: str, *, is_guest: bool) -> str:
        """A token to watch a room's seats."""
        return self._mint_media(person, room, "subscribe", SUBSCRIBE_SECONDS, {"guest": is_guest})

    def _mint_media(self, person: str, room: str, grant: str, seconds: int, more: Mapping[str, Any]) -> str:
        now_ms = self._clock()
        claims = {
            "aud": _MEDIA_AUDIENCE,
            "sub": person,
            "room": room,
            "grant": grant,
            "iat": now_ms / 1000,
            "exp": now_ms // 1000 + seconds,
        }
        return jwt.encode({**claims, **more}, self._secret, ALGORITHM)

    def read_media(self, token: str) -> MediaGrant:
        """What a media token allows.

        Raises:
            Unauthenticated: ``token_expired`` or ``bad_token``.
        """
        try:
            claims = jwt.decode(token, self._secret, [ALGORITHM], audience=_MEDIA_AUDIENCE, options=_OPTIONS)
            return MediaGrant(
                claims["sub"], str(claims["room"]), str(claims["grant"]), str(claims.get("seat", ""))
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("token_expired") from error
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Unauthenticated("bad_token") from error


class Door:
    """Recognises who sent a request."""

    def __init__(self, tokens: Tokens, own_origins: Iterable[str]) -> None:
        self.tokens = tokens
        self._own_origins = {origin.rstrip("/") for origin in own_origins}

    def is_own_origin(self, headers: Headers) -> bool:
        """Whether a browser sent this from one of our pages."""
        origin = headers.get("origin")
        if origin is None:
            return False
        try:
            return origin in self._own_origins or urlsplit(origin).netloc == headers.get("host")
        except ValueError:  # what no browser sends
            return False

    def refuse_foreign(self, connection: HTTPConnection) -> None:
        """Refuses a request that a browser sent from somebody else's page.

        Raises:
            Forbidden: ``foreign_origin``.
        """
        if "origin" in connection.headers and not self.is_own_origin(connection.headers):
            raise Forbidden("foreign_origin")

    def session(self, connection: HTTPConnection) -> Credential | None:
        """The sender of a request, or ``None``.

        A cookie counts for a changing request only from our own pages (cross-site request forgery).

        Raises:
            Unauthenticated: a bearer token that is not good.
            Forbidden: ``foreign_origin``.
        """
        authorization = connection.headers.get("authorization", "")
        if authorization.startswith("Bearer "):
            return self.tokens.read(authorization[7:])
        return self.cookie_session(connection)

    def cookie_session(self, connection: HTTPConnection) -> Credential | None:
        """The person whose cookie came with a request, or ``None``.

        Raises:
            Forbidden: ``foreign_origin``.
        """
        cookie = connection.cookies.get(COOKIE)
        if cookie is None:
            return None
        method = connection.scope.get("method", "GET")
        if method not in ("GET", "HEAD") and not self.is_own_origin(connection.headers):
            raise Forbidden("foreign_origin")
        try:
            return self.tokens.read(cookie)
        except Unauthenticated:
            return None

    async def who(self, connection: HTTPConnection) -> Person | None:
        """The sender of a request, or ``None``; see ``session``."""
        found = self.session(connection)
        return found.person if found is not None else None

    async def signed_in(self, request: Request) -> Person:
        """The sender, who must have an account.

        Raises:
            Unauthenticated: nobody, or a guest.
        """
        person = await self.who(request)
        if person is None or person.guest:
            raise Unauthenticated("sign_in_required")
        return person


def _claims(person: Person, signed_in_ms: int) -> dict[str, Any]:
    return {
        "auth_time": signed_in_ms / 1000,
        "sub": person.person,
        "name": person.name,
        "guest": person.guest,
        "roles": [[membership.role, membership.shop] for membership in person.roles],
    }


def guest(name: str) -> Person:
    """Somebody without an account, who may watch and comment."""
    return Person(person=new_id(), name=name, guest=True)


def set_session(response: Response, token: str, *, secure: bool) -> None:
    """Keeps a token in the browser, out of reach of scripts."""
    response.set_cookie(COOKIE, token, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)


def clear_session(response: Response) -> None:
    """Forgets the token."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
