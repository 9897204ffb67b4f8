"""Bearer tokens (RFC 6750, JWT): who may publish or watch what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jwt

from media.errors import Forbidden, Unauthorized

Grant = Literal["publish", "subscribe"]

AUDIENCE = "media"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a good token says; a subscriber's `seat` is empty where every seat of the room is meant.

    `issued_at` is 0 where the token does not tell; a guest is another person each time.
    """

    person: str
    room: str
    seat: str
    grant: str
    issued_at: float = 0.0
    is_guest: bool = False

    def require(self, grant: Grant, room: str, seat: str) -> None:
        """Raise `Forbidden` unless this allows `grant` on that seat."""
        if self.grant != grant:
            raise Forbidden(f"the token does not allow to {grant}")
        self.require_place(room, seat)

    def require_place(self, room: str, seat: str) -> None:
        """Raise `Forbidden` unless this is for that seat, whatever it allows there."""
        if self.room != room:
            raise Forbidden("the token is for another room")
        any_seat = self.grant == "subscribe" and not self.seat
        if not any_seat and self.seat != seat:
            raise Forbidden("the token is for another seat")


def read_token(authorization: str, secret: str) -> Pass:
    """Verify an `Authorization` header; raise `Unauthorized`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("a Bearer token is required")
    try:
        claims = jwt.decode(
            token.strip(),
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            # Clocks differ, and a token from a moment ahead does no harm.
            options={"require": ["exp", "aud", "sub"], "verify_iat": False},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthorized("the token has expired") from None
    except jwt.InvalidTokenError:
        raise Unauthorized("the token is not valid") from None
    return _pass(claims)


def _pass(claims: dict[str, Any]) -> Pass:
    issued_at = claims.get("iat", 0)
    return Pass(
        person=str(claims["sub"]),
        room=str(claims.get("room", "")),
        seat=str(claims.get("seat") or ""),
        grant=str(claims.get("grant", "")),
        issued_at=float(issued_at) if isinstance(issued_at, int | float) else 0.0,
        is_guest=claims.get("guest") is True,
    )
