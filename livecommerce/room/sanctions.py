"""Who may not be heard in a room, or not be in it; known to those who moderate, and to nobody else.

This is not part of the room's state, which every viewer receives. Each change has a version, so that
a list read late never undoes a change that was heard first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

SHADOW = "shadow"
"""Their comments reach themselves and those who moderate."""
BAN = "ban"
"""They may not be in the room."""


class Sanction(Struct, frozen=True, kw_only=True):
    """What a moderator imposed on a person."""

    kind: str
    """shadow or ban."""
    person: str
    name: str
    """As the moderator saw it."""
    until_ms: int
    """0: it was lifted."""
    v: int = 0
    """Grows with each change in the room; given by the store."""


class SanctionStore(Protocol):
    """Where a room's sanctions are kept."""

    async def impose(self, room: str, sanction: Sanction) -> None:
        """Keeps or lifts a sanction and tells every gateway that serves the room, in one step.

        Raises:
            Unavailable: the outcome is unknown; imposing it again does no harm.
        """
        ...

    async def of_room(self, room: str) -> tuple[int, Sequence[Sanction]]:
        """The room's version and its sanctions, those over time included.

        Raises:
            Unavailable: they cannot be read now.
        """
        ...


class Sanctions:
    """A gateway's copy of one room's sanctions."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Sanction] = {}

    def learn(self, sanction: Sanction) -> None:
        """Takes over one change; an older one than what is known is ignored."""
        key = (sanction.kind, sanction.person)
        known = self._known.get(key)
        if known is None or sanction.v > known.v:
            self._known[key] = sanction

    def replace(self, version: int, sanctions: Iterable[Sanction]) -> None:
        """Takes over a list that was read; what was heard since stays."""
        self._known = {key: known for key, known in self._known.items() if known.v > version}
        for sanction in sanctions:
            self.learn(sanction)

    def applies(self, kind: str, person: str, now_ms: int) -> bool:
        """Whether a person is under a sanction now."""
        known = self._known.get((kind, person))
        return known is not None and known.until_ms > now_ms

    def current(self, now_ms: int) -> tuple[Sanction, ...]:
        """All that hold now, the newest first."""
        holding = (sanction for sanction in self._known.values() if sanction.until_ms > now_ms)
        return tuple(sorted(holding, key=lambda sanction: -sanction.v))
