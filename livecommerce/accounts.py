"""People, what they may do, and how they sign in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.errors import Forbidden, Invalid, NotFound

ROLES = ("host", "moderator", "merchant", "brand", "operator")
"""``operator`` holds for the whole deployment, the others for one shop."""

PERSON_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
"""What a person id may be, whoever minted it: it stands in keys, documents and columns."""

MIN_PASSWORD = 10
MAX_NAME = 40

_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


class Membership(Struct, frozen=True, order=True):
    """A role in a shop; the shop is empty for roles of the whole deployment."""

    role: str
    shop: str = ""


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, or a guest with a nickname."""

    person: str
    name: str
    guest: bool = False
    roles: tuple[Membership, ...] = ()

    def has_role(self, role: str, shop: str = "") -> bool:
        """Whether the person holds a role in a shop; an operator holds every role everywhere."""
        return Membership(role, shop) in self.roles or self.is_operator

    def require_any(self, role: str) -> None:
        """Refuses a person who does not hold a role in any shop.

        Raises:
            Forbidden: with the role that is missing.
        """
        if not self.is_operator and not self.shops_as(role):
            raise Forbidden("role_required", role=role)

    def shops_as(self, role: str) -> list[str]:
        """The shops in which the person holds a role."""
        return [membership.shop for membership in self.roles if membership.role == role]

    @property
    def is_operator(self) -> bool:
        """Whether the person watches over the whole deployment."""
        return Membership("operator") in self.roles

    @property
    def main_role(self) -> str:
        """The role that the room shows beside the name."""
        if self.guest:
            return "guest"
        held = {membership.role for membership in self.roles}
        ranked = ("operator", "host", "moderator", "brand", "merchant")
        return next((role for role in ranked if role in held), "viewer")

    def require(self, role: str, shop: str = "") -> None:
        """Refuses a person who does not hold a role.

        Raises:
            Forbidden: with the role that is missing.
        """
        if not self.has_role(role, shop):
            raise Forbidden("role_required", role=role)


class Account(Struct, frozen=True, kw_only=True):
    """A person who can sign in with a password."""

    person: str
    login: str
    name: str
    password_hash: str
    roles: tuple[Membership, ...] = ()

    def as_person(self) -> Person:
        """The account without what is needed to sign in."""
        return Person(person=self.person, name=self.name, roles=self.roles)


class AccountStore(Protocol):
    """Where accounts are kept; the only place with personal data."""

    async def find(self, person: str) -> Account | None:
        """The account of this person."""
        ...

    async def find_by_login(self, login: str) -> Account | None:
        """The account with this login name."""
        ...

    async def add(self, account: Account) -> None:
        """Adds an account.

        Raises:
            Conflict: ``login_taken``.
        """
        ...

    async def names_of(self, people: Sequence[str]) -> dict[str, str]:
        """Display names by person id; unknown people are left out."""
        ...


async def identify(accounts: AccountStore, who: str) -> tuple[str, str]:
    """The person behind a login name or an id, and the name; who has no account here has none.

    Raises:
        NotFound: ``person_not_found``.
    """
    account = await accounts.find_by_login(who.strip().lower())
    if account is not None:
        return account.person, account.name
    person = who.strip()
    if not PERSON_ID.fullmatch(person):
        raise NotFound("person_not_found")
    return person, (await accounts.names_of([person])).get(person, "")


def hash_password(password: str) -> str:
    """A salted scrypt hash (RFC 7914), with its parameters, as text."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("password_too_short", min=MIN_PASSWORD)
    salt = secrets.token_bytes(16)
    return f"scrypt${_b64(salt)}${_b64(_derive(password, salt))}"


def verify_password(password: str, stored: str) -> bool:
    """Whether a password is the one that was hashed; takes some 50 ms of CPU on purpose."""
    _, salt, digest = stored.split("$")
    return hmac.compare_digest(_derive(password, base64.b64decode(salt)), base64.b64decode(digest))


DECOY_HASH = f"scrypt${base64.b64encode(bytes(16)).decode()}${base64.b64encode(bytes(64)).decode()}"
"""Checked where there is no such account, so that both take as long."""


def clean_nickname(nickname: str) -> str:
    """A guest's name as the room shows it.

    Raises:
        Invalid: it is empty or too long.
    """
    name = " ".join("".join(ch for ch in nickname if ch.isprintable()).split())
    if not name or len(name) > MAX_NAME:
        raise Invalid("bad_nickname", max=MAX_NAME)
    return name


def _derive(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
