"""Transport-wide congestion control, the receiver's side (draft-holmer-rmcat-transport-wide-cc-01).

Chromium takes its sending rate from these reports: without them it stays near 300 kbit/s.
"""

from __future__ import annotations

import struct

from media.sequence import Unwrapper

TICK_SECONDS = 0.000_25
REFERENCE_TICKS = 256  # a reference time counts 64 ms
MAX_STATUSES = 500

NOT_RECEIVED = 0
SMALL_DELTA = 1
LARGE_DELTA = 2
STATUSES_PER_CHUNK = 7


class ArrivalLog:
    """Arrival times of a publisher's packets since the last feedback."""

    def __init__(self) -> None:
        self._unwrap = Unwrapper(16)
        self._arrivals: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0

    def record(self, sequence: int, now: float) -> None:
        """Note that the packet with this transport-wide number came at `now` seconds."""
        extended = self._unwrap.extend(sequence)
        self._arrivals.setdefault(extended, round(now / TICK_SECONDS))

    def feedback(self) -> list[bytes]:
        """Return the bodies of the feedback packets due, and start over."""
        if not self._arrivals:
            return []
        first = min(self._arrivals)
        if self._next is not None and first > self._next and first - self._next < MAX_STATUSES:
            first = self._next
        last = max(self._arrivals)
        bodies = []
        for start in range(max(first, last - 4 * MAX_STATUSES), last + 1, MAX_STATUSES):
            body = self._body(start, min(start + MAX_STATUSES, last + 1))
            if body is not None:
                bodies.append(body)
        self._next = last + 1
        self._arrivals.clear()
        return bodies

    def _body(self, start: int, end: int) -> bytes | None:
        arrivals = [self._arrivals.get(sequence) for sequence in range(start, end)]
        received = [arrival for arrival in arrivals if arrival is not None]
        if not received:
            return None
        reference = min(received) // REFERENCE_TICKS
        statuses, deltas = _deltas(arrivals, reference * REFERENCE_TICKS)
        chunks = b"".join(
            _chunk(statuses[at : at + STATUSES_PER_CHUNK])
            for at in range(0, len(statuses), STATUSES_PER_CHUNK)
        )
        head = struct.pack("!HH", start & 0xFFFF, len(statuses))
        head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self._count & 0xFF])
        self._count += 1
        return head + chunks + deltas


def _deltas(arrivals: list[int | None], reference: int) -> tuple[list[int], bytes]:
    statuses: list[int] = []
    deltas: list[bytes] = []
    for arrival in arrivals:
        if arrival is None:
            statuses.append(NOT_RECEIVED)
            continue
        delta = arrival - reference
        reference = arrival
        if 0 <= delta <= 0xFF:
            statuses.append(SMALL_DELTA)
            deltas.append(bytes([delta]))
        else:
            statuses.append(LARGE_DELTA)
            deltas.append(struct.pack("!h", max(-0x8000, min(0x7FFF, delta))))
    return statuses, b"".join(deltas)


def _chunk(statuses: list[int]) -> bytes:
    """Return a status vector chunk of up to seven two-bit symbols."""
    symbols = 0
    for status in statuses + [NOT_RECEIVED] * (STATUSES_PER_CHUNK - len(statuses)):
        symbols = symbols << 2 | status
    return struct.pack("!H", 0xC000 | symbols)
