"""What a receiver reports about one RTP stream (RFC 3550 §6.4 and appendix A)."""

from __future__ import annotations

from media.rtcp import ReportBlock, SenderReport
from media.sequence import Unwrapper


class Reception:
    """Counts of one stream as received, for the publisher's rate control and round-trip time."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._unwrap = Unwrapper(16)
        self._first: int | None = None
        self._highest = 0
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._sender_report: tuple[int, float] | None = None

    @property
    def lost(self) -> int:
        """Packets that have not arrived so far; duplicates can make it negative."""
        return self._expected - self._received

    @property
    def _expected(self) -> int:
        return 0 if self._first is None else self._highest - self._first + 1

    def record(self, sequence: int, timestamp: int, now: float) -> None:
        """Count a packet that arrived at `now`."""
        extended = self._unwrap.extend(sequence)
        if self._first is None:
            self._first = extended
        self._highest = max(self._highest, extended)
        self._received += 1
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 1 << 31:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def record_sender_report(self, report: SenderReport, now: float) -> None:
        """Remember when the last SR came, so that the publisher can compute its round trip."""
        self._sender_report = (report.ntp >> 16 & 0xFFFFFFFF, now)

    def report(self, ssrc: int, now: float) -> ReportBlock:
        """Return the block for an RR and start a new interval."""
        expected = self._expected - self._expected_before
        lost = expected - (self._received - self._received_before)
        self._expected_before, self._received_before = self._expected, self._received
        fraction = min(255, max(0, lost) * 256 // expected) if expected > 0 else 0
        last, arrived = self._sender_report or (0, now)
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=fraction,
            lost=max(-0x800000, min(0x7FFFFF, self.lost)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            last_sender_report=last,
            delay_since=int((now - arrived) * 65536),
        )
