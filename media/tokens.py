"""Bearer tokens (RFC 6750) that are JWTs of one kind (RFC 7519, HS256): who may publish or watch what.

Verified by hand: each viewer's join begins with it, and a general library, which first finds out what
kind of key it was given, took as long as the SDP.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Literal

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
    claims = _signed_claims(token.strip(), secret)
    if claims["exp"] <= time.time():
        raise Unauthorized("the token has expired")
    return _pass(claims)


def _signed_claims(token: str, secret: str) -> dict[str, Any]:
    """Return what the holder of the secret has signed, with the claims that every token of ours has."""
    signed, _, signature = token.rpartition(".")
    digest = urlsafe_b64encode(hmac.digest(secret.encode(), signed.encode(), "sha256")).rstrip(b"=")
    if not hmac.compare_digest(signature.encode(), digest):
        raise Unauthorized("the token is not valid")
    try:
        header, claims = map(_decode, signed.split("."))
    except ValueError:
        raise Unauthorized("the token is not valid") from None
    if header.get("alg") != ALGORITHM or "crit" in header or not _is_for_us(claims):
        raise Unauthorized("the token is not valid")
    return claims


def _decode(part: str) -> dict[str, Any]:
    value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _is_for_us(claims: dict[str, Any]) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    has_times = all(isinstance(claims.get(name, 0), int | float) for name in ("exp", "nbf"))
    return (
        AUDIENCE in audiences
        and isinstance(claims.get("sub"), str)
        and "exp" in claims
        and has_times
        and claims.get("nbf", 0) <= time.time()
    )


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
