"""Putting a publisher's packets back in order, and knowing which ones to ask for again."""

from __future__ import annotations

from dataclasses import dataclass

from media.rtp import RtpPacket
from media.sequence import Unwrapper

NACK_INTERVAL_SECONDS = 0.05
MAX_NACKS = 10
MAX_NACKS_AT_ONCE = 256  # more would not fit into one datagram
MAX_GAP = 1_000
"""Packets that are waited for at a time, in one hole or in many."""


@dataclass(slots=True)
class Arrival:
    """A packet whose turn has come; `skipped` packets before it were given up."""

    packet: RtpPacket
    skipped: int = 0


@dataclass(slots=True)
class _Missing:
    since: float
    asked_at: float = 0.0
    asked: int = 0


class ReorderBuffer:
    """Holds back what came too early, for at most `patience_seconds`.

    Waiting here costs a viewer nothing: she could not decode past the hole either, and a thousand
    viewers are spared a NACK for a packet nobody has.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._unwrap = Unwrapper(16)
        self._held: dict[int, RtpPacket] = {}
        self._missing: dict[int, _Missing] = {}
        self._next: int | None = None
        self._newest = 0
        self._stray: int | None = None

    def insert(self, packet: RtpPacket, now: float) -> list[Arrival]:
        """Take a packet in and return those whose turn has come, in the publisher's order."""
        sequence = self._unwrap.extend(packet.sequence)
        if self._next is None:
            self._next = sequence
            self._newest = sequence - 1
        absent = max(0, sequence - self._newest - 1)
        if absent + len(self._missing) > MAX_GAP or self._has_jumped_back(sequence):
            return self._restart(sequence, packet)
        if sequence < self._next or sequence in self._held:
            return []
        for hole in range(self._newest + 1, sequence):
            self._missing[hole] = _Missing(since=now)
        self._missing.pop(sequence, None)
        self._newest = max(self._newest, sequence)
        self._held[sequence] = packet
        return self._release(skipped=0)

    def expire(self, now: float) -> list[Arrival]:
        """Give up holes that have waited too long, and return what they held back."""
        released: list[Arrival] = []
        while self._next in self._missing and now - self._missing[self._next].since >= self._patience:
            skipped = 0
            while self._next in self._missing:
                del self._missing[self._next]
                self._next += 1
                skipped += 1
            released += self._release(skipped)
        return released

    def due_nacks(self, now: float) -> list[int]:
        """Return the 16-bit numbers to ask for now, oldest first, and count the asking."""
        due = []
        for sequence, missing in self._missing.items():
            if missing.asked < MAX_NACKS and now - missing.asked_at >= NACK_INTERVAL_SECONDS:
                missing.asked += 1
                missing.asked_at = now
                due.append(sequence & 0xFFFF)
            if len(due) == MAX_NACKS_AT_ONCE:
                break
        return due

    def _has_jumped_back(self, sequence: int) -> bool:
        """Tell whether the publisher counts from a lower number now; one stray packet does not count."""
        if self._newest - sequence <= MAX_GAP:
            self._stray = None
            return False
        expected, self._stray = self._stray, sequence + 1
        return sequence == expected

    def _restart(self, sequence: int, packet: RtpPacket) -> list[Arrival]:
        self._held.clear()
        self._missing.clear()
        skipped = max(1, sequence - self._newest - 1)
        self._next = sequence + 1
        self._newest = sequence
        return [Arrival(packet, skipped)]

    def _release(self, skipped: int) -> list[Arrival]:
        released = []
        while self._next is not None and self._next in self._held:
            released.append(Arrival(self._held.pop(self._next), skipped))
            self._next += 1
            skipped = 0
        return released
