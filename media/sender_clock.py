"""The publisher's clock, carried through to viewers so that lips stay with voices."""

from __future__ import annotations

from media.rtcp import SenderReport, from_ntp
from media.track import CLOCK_RATES, TrackId


class SenderClock:
    """Extrapolates the NTP ↔ RTP mapping of a publisher's sender reports.

    One offset moves the publisher's wall clock to ours, the same for sound and picture: a mapping
    made from arrival times would lose what keeps them together.
    """

    def __init__(self, unix_offset: float) -> None:
        self._unix_offset = unix_offset
        self._ahead: float | None = None
        self._reports: dict[TrackId, tuple[float, int]] = {}

    def learn(self, track: TrackId, report: SenderReport, now: float) -> None:
        """Take the mapping of a sender report that came at `now`."""
        theirs = from_ntp(report.ntp)
        if self._ahead is None:
            self._ahead = theirs - (now + self._unix_offset)
        self._reports[track] = (theirs, report.timestamp)

    def timestamp_at(self, track: TrackId, now: float) -> int | None:
        """Return the publisher's RTP timestamp for `now`, or None before its first report."""
        known = self._reports.get(track)
        if known is None or self._ahead is None:
            return None
        theirs, timestamp = known
        passed = now + self._unix_offset + self._ahead - theirs
        return (timestamp + round(passed * CLOCK_RATES[track[0]])) & 0xFFFFFFFF
