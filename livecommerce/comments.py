"""Which comments a room hears.

Each person first has a pace of their own; under flood the room as a whole takes a sample. The sender
always learns what became of a comment, and nobody else's fate depends on it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from livecommerce.errors import Invalid, TooMany

MAX_LENGTH = 200
BURST = 3
"""Comments that a person may send at once …"""
REFILL_MS = 2_000
"""… and how long one of these takes to come back."""
ROOM_BURST, ROOM_PER_SECOND = 40, 200
"""Comments a room shows at once, and each second; beyond, it samples. Nobody reads faster."""
FLOOD_MS = 1_000
"""For how long after a comment that was too much a room counts as flooded."""
MOST_REMEMBERED = 10_000
"""People whose last comments a room remembers before it looks who may be forgotten."""


def clean_comment(text: str) -> str:
    """A comment as the room shows it: one line, composed characters, no control characters.

    Raises:
        Invalid: nothing is left, or it is too long.
    """
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable():  # then nothing in it is a space but the space
        return _fitting(" ".join(composed.split()))
    visible = "".join(
        " " if ch.isspace() else ch
        for ch in composed
        if ch.isspace() or ch.isprintable() or ch in "\u200d\ufe0f"
    )
    return _fitting(" ".join(visible.split()))


def _fitting(line: str) -> str:
    if not line:
        raise Invalid("comment_empty")
    if len(line) > MAX_LENGTH:
        raise Invalid("comment_too_long", max=MAX_LENGTH)
    return line


@dataclass(slots=True)
class Pace:
    """One person's cooldown: a bucket of ``BURST`` comments that refills."""

    tokens: float = BURST
    updated_ms: int = 0

    def take(self, now_ms: int) -> int:
        """Spends one comment; answers how many milliseconds one must wait instead, where it was too early."""
        self.tokens = min(BURST, self.tokens + (now_ms - self.updated_ms) / REFILL_MS)
        self.updated_ms = now_ms
        if self.tokens < 1:
            return int((1 - self.tokens) * REFILL_MS) + 1
        self.tokens -= 1
        return 0


class Paces:
    """Every person's cooldown in a room, whatever number of connections they speak over."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._room = MOST_REMEMBERED

    def __len__(self) -> int:
        return len(self._paces)

    def take(self, person: str, now_ms: int) -> int:
        """Spends one of a person's comments; answers how many milliseconds to wait instead.

        Not an error to be raised: in a flood this is what becomes of most comments.
        """
        pace = self._paces.get(person)
        if pace is None:
            pace = self._begin(person, now_ms)
        return pace.take(now_ms)

    def _begin(self, person: str, now_ms: int) -> Pace:
        """A new person's; those who have long been quiet are as good as new, and forgotten."""
        if len(self._paces) >= self._room:
            rested_ms = now_ms - BURST * REFILL_MS
            self._paces = {who: pace for who, pace in self._paces.items() if pace.updated_ms > rested_ms}
            self._room = max(MOST_REMEMBERED, 2 * len(self._paces))
        pace = self._paces[person] = Pace(updated_ms=now_ms)
        return pace


class SlowMode:
    """When each person spoke last, in a room that is slow."""

    def __init__(self) -> None:
        self._spoke: dict[str, int] = {}
        self._room = MOST_REMEMBERED

    def __len__(self) -> int:
        return len(self._spoke)

    def check(self, person: str, seconds: int, now_ms: int) -> None:
        """Refuses who spoke less than so many seconds ago.

        Raises:
            TooMany: with how long to wait, in milliseconds.
        """
        wait_ms = self._spoke.get(person, 0) + seconds * 1000 - now_ms
        if wait_ms > 0:
            raise TooMany("slow_mode", wait_ms=wait_ms)

    def note(self, person: str, at_ms: int, seconds: int) -> None:
        """Remembers that a person spoke; those who may speak again are forgotten."""
        if len(self._spoke) >= self._room:
            since = at_ms - seconds * 1000
            self._spoke = {who: when for who, when in self._spoke.items() if when > since}
            self._room = max(MOST_REMEMBERED, 2 * len(self._spoke))
        self._spoke[person] = at_ms


class RoomBudget:
    """How many comments a room still shows."""

    def __init__(self) -> None:
        self._left: float = ROOM_BURST
        self._updated_ms = 0
        self._refused_ms = -FLOOD_MS

    def allows(self, now_ms: int, *, exempt: bool) -> bool:
        """Whether one more is shown to all; those of hosts, moderators and buyers always are."""
        grown = (now_ms - self._updated_ms) * ROOM_PER_SECOND / 1000
        self._left = min(ROOM_BURST, self._left + grown)
        self._updated_ms = now_ms
        if exempt or self._left >= 1:
            return True
        self._refused_ms = now_ms
        return False

    def flooded(self, now_ms: int) -> bool:
        """Whether comments were sampled a moment ago."""
        return now_ms - self._refused_ms < FLOOD_MS

    def spend(self, *, exempt: bool) -> None:
        """One more was shown."""
        if not exempt:
            self._left -= 1
