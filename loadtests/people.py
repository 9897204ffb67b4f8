"""People that the load generator makes up, with session tokens signed by the deployment's shared key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path

import jwt

AUDIENCE = "livecommerce"
TOKEN_SECONDS = 6 * 3600

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class NoSecret(Exception):
    """Without the shared key nobody can be signed in; the text says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a session."""

    person: str
    name: str
    token: str

    @property
    def authorization(self) -> dict[str, str]:
        """The header that signs a request."""
        return {"Authorization": f"Bearer {self.token}"}


def read_secret(data_dir: Path) -> str:
    """The shared key: ``TOKEN_SECRET``, or the one that the demo made for itself.

    Raises:
        NoSecret: neither is there.
    """
    given = environ.get("TOKEN_SECRET", "")
    file = data_dir / "token_secret"
    if not given and file.is_file():
        given = file.read_text().strip()
    if not given:
        raise NoSecret(f"TOKEN_SECRET is not set and {file} does not exist; is the demo running here?")
    return given


def new_person_id() -> str:
    """An id of the form that the server gives to people: ``zz`` and a ULID."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "zz" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def sign_in(secret: str, name: str, roles: Sequence[tuple[str, str]] = (), person: str = "") -> Person:
    """A person with an account, as the host application would introduce one."""
    identity = person or new_person_id()
    claims = {
        "aud": AUDIENCE,
        "sub": identity,
        "name": name,
        "guest": False,
        "roles": [list(role) for role in roles],
        "exp": int(time.time()) + TOKEN_SECONDS,
    }
    return Person(identity, name, jwt.encode(claims, secret, "HS256"))


def provider_key(secret: str) -> str:
    """The key with which the sandbox payment provider shows its books."""
    return hmac.new(secret.encode(), b"livecommerce/sandbox", hashlib.sha256).hexdigest()
