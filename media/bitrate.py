"""How much flows, measured over the last second or so."""

from __future__ import annotations

from collections import deque

SLOT_SECONDS = 0.25
SLOTS = 6


class Bitrate:
    """Counts bytes in slots of a quarter of a second; the one under way does not count yet."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, int]] = deque(maxlen=SLOTS + 1)

    def record(self, octets: int, now: float) -> None:
        """Count bytes that came or went now."""
        slot = int(now / SLOT_SECONDS)
        if self._slots and self._slots[-1][0] == slot:
            octets += self._slots.pop()[1]
        self._slots.append((slot, octets))

    def value(self, now: float) -> float:
        """Return bits per second; 0 when nothing came for that long."""
        current = int(now / SLOT_SECONDS)
        counted = [(slot, octets) for slot, octets in self._slots if current - SLOTS <= slot < current]
        if not counted:
            return 0.0
        span = current - counted[0][0]
        return 8 * sum(octets for _, octets in counted) / (span * SLOT_SECONDS)
