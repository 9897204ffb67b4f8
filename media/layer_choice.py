"""Which of a publisher's simulcast layers a viewer's line carries. No I/O.

The viewer tells by receiver reports and NACKs (loss) and by REMB. Loss or a low estimate must last to count,
since a keyframe or a replay disturbs both for a moment, and an estimate only where it fell: one that rises is
low because it follows what is sent. Going up is therefore an attempt; one that fails makes the next one wait
twice as long.
"""

from __future__ import annotations

from collections.abc import Mapping

SETTLE_SECONDS = 4.0
"""Right after a start or a switch a burst is under way, and reports speak of that."""
SUSTAIN_SECONDS = 1.5
BAD_LOSS, GOOD_LOSS = 0.08, 0.02
TIGHT, ROOMY = 0.8, 1.1
"""An estimate below `TIGHT` times a layer's bitrate says it does not fit; up needs `ROOMY` times its own."""
FALL = 0.95
DOUBT = 2
"""An estimate that leaves no room makes an attempt wait longer; on a busy device it has no other reason."""
ESTIMATE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 6.0, 96.0


class LayerChoice:
    """One viewer's choice; layers are known by number and measured by their bitrate."""

    __slots__ = (
        "_bad_since",
        "_changed_at",
        "_estimate",
        "_fell_at",
        "_good_since",
        "_loss",
        "_missed",
        "_pause",
        "_sent",
        "_tried_at",
    )

    def __init__(self, now: float) -> None:
        self._changed_at = now
        self._tried_at: float | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._bad_since: float | None = None
        self._good_since = now
        self._loss = 0.0
        self._missed = 0
        self._sent = 0
        self._estimate: tuple[float, float] | None = None
        self._fell_at: float | None = None

    def hear_loss(self, fraction: float) -> None:
        """Take the loss since the last receiver report, 0 to 1; what was repeated in time may be left out."""
        self._loss = max(self._loss, fraction)

    def hear_missing(self, packets: int) -> None:
        """Take how many packets a NACK names."""
        self._missed += packets

    def hear_estimate(self, bits_per_second: float, now: float) -> None:
        """Take a REMB."""
        if self._estimate is not None and bits_per_second < FALL * self._estimate[0]:
            self._fell_at = now
        self._estimate = (bits_per_second, now)

    def choose(self, current: int, bitrates: Mapping[int, float], sent: int, now: float) -> int:
        """Return the layer to send from the next keyframe on, among those that flow.

        To be asked about once a second; `sent` counts all packets so far.
        """
        loss = self._take_loss(sent)
        if not bitrates:
            return current
        ladder = sorted(bitrates, key=bitrates.__getitem__)
        if current not in bitrates:
            return ladder[-1]
        self._judge(bitrates[current], loss, now)
        place = ladder.index(current)
        if place > 0 and self._bad_since is not None and now - self._bad_since >= SUSTAIN_SECONDS:
            return self._fitting(ladder[:place], bitrates, now)
        is_roomy = self._is_roomy(bitrates[current], now)
        if place + 1 < len(ladder) and now - self._good_since >= self._pause * (1 if is_roomy else DOUBT):
            self._tried_at = now
            return ladder[place + 1]
        return current

    def switched(self, now: float) -> None:
        """Another layer is being sent."""
        self._changed_at = self._good_since = now
        self._bad_since = None
        self._estimate = self._fell_at = None

    def _take_loss(self, sent: int) -> float:
        """Return the worst that was said since the last time."""
        loss = max(self._loss, min(1.0, self._missed / max(1, sent - self._sent)))
        self._loss, self._missed, self._sent = 0.0, 0, sent
        return loss

    def _judge(self, bitrate: float, loss: float, now: float) -> None:
        estimate = self._fresh_estimate(now)
        has_fallen = self._fell_at is not None and now - self._fell_at < ESTIMATE_SECONDS
        is_tight = estimate is not None and estimate < TIGHT * bitrate and has_fallen
        is_bad = loss >= BAD_LOSS or is_tight
        if now - self._changed_at < SETTLE_SECONDS and loss < 2 * BAD_LOSS:
            is_bad = False
        if not is_bad:
            self._bad_since = None
        elif self._bad_since is None:
            self._bad_since = now
        if loss > GOOD_LOSS:
            self._good_since = now

    def _is_roomy(self, bitrate: float, now: float) -> bool:
        estimate = self._fresh_estimate(now)
        return estimate is None or estimate >= ROOMY * bitrate

    def _fitting(self, cheaper: list[int], bitrates: Mapping[int, float], now: float) -> int:
        """Return the best layer below the one that does not fit, and remember a failed attempt."""
        if self._tried_at is not None and now - self._tried_at < self._pause + SETTLE_SECONDS:
            self._pause = min(LONGEST_PAUSE_SECONDS, 2 * self._pause)
        estimate = self._fresh_estimate(now)
        if estimate is None:
            return cheaper[-1]
        fitting = [layer for layer in cheaper if bitrates[layer] <= estimate]
        return fitting[-1] if fitting else cheaper[0]

    def _fresh_estimate(self, now: float) -> float | None:
        if self._estimate is None or now - self._estimate[1] > ESTIMATE_SECONDS:
            return None
        return self._estimate[0]
