"""Which tokens are no longer good before they expire: those of a person who signed in up to some moment.

Every gateway keeps all revocations in memory, so believing a token costs no query. A revocation is
forgotten once every token that it could concern has expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

LONGEST_TOKEN_MS = 31 * 24 * 3600 * 1000
"""No token is believed that lives longer."""


class Revocation(Struct, frozen=True, kw_only=True):
    """A person was signed out everywhere."""

    person: str
    before_ms: int
    """Tokens of who signed in then or earlier are refused, however often they were renewed."""


class RevocationStore(Protocol):
    """Where revocations are kept."""

    async def revoke(self, revocation: Revocation) -> None:
        """Keeps a revocation and tells every gateway, in one step; an older one changes nothing.

        Raises:
            Unavailable: the outcome is unknown; revoking again does no harm.
        """
        ...

    async def all(self) -> Sequence[Revocation]:
        """Every revocation that may still concern a token.

        Raises:
            Unavailable: they cannot be read now.
        """
        ...


class Revocations:
    """A gateway's copy of all revocations."""

    def __init__(self) -> None:
        self._before_ms: dict[str, int] = {}

    def learn(self, revocations: Iterable[Revocation], now_ms: int) -> None:
        """Takes over what was heard or read, in any order, and forgets what concerns no token any more."""
        for one in revocations:
            self._before_ms[one.person] = max(one.before_ms, self._before_ms.get(one.person, 0))
        oldest_ms = now_ms - LONGEST_TOKEN_MS
        self._before_ms = {who: when for who, when in self._before_ms.items() if when > oldest_ms}

    def cover(self, person: str, signed_in_ms: int) -> bool:
        """Whether a token of a person is no longer good."""
        return signed_in_ms <= self._before_ms.get(person, -1)
