"""Numbers that wrap: 16-bit sequence numbers and 32-bit timestamps, counted on without end."""

from __future__ import annotations


class Unwrapper:
    """Extends a wrapping counter so that a later value is always the larger one.

    A value is taken for the one nearest to the newest seen, so reordering across the wrap is
    understood. The first value is moved up by one turn; a packet from before it stays positive.
    """

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._newest: int | None = None

    def extend(self, value: int) -> int:
        """Return `value` with its turns added."""
        if self._newest is None:
            self._newest = value + self._span
            return self._newest
        half = self._span // 2
        step = (value - self._newest + half) % self._span - half
        extended = self._newest + step
        self._newest = max(self._newest, extended)
        return extended

    def peek(self, value: int) -> int:
        """Return what `extend` would, without taking `value` for the newest."""
        if self._newest is None:
            return value + self._span
        half = self._span // 2
        return self._newest + (value - self._newest + half) % self._span - half
