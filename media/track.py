"""One kind of media of a stream as its viewers get it: numbered without gaps, across publishers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from media.h264 import starts_keyframe
from media.rtp import RtpPacket

Kind = Literal["audio", "video"]
TrackId = tuple[Kind, int]
"""A kind and its layer: a publisher may send its picture in several sizes."""

AUDIO: TrackId = ("audio", 0)

CLOCK_RATES: dict[Kind, int] = {"audio": 48_000, "video": 90_000}
RING_PACKETS: dict[Kind, int] = {"audio": 64, "video": 2048}
FRAME_SECONDS: dict[Kind, float] = {"audio": 0.02, "video": 1 / 30}
MAX_REPLAY_FRAMES = 350  # a millisecond each: the newest ends less than 0.35 s behind


@dataclass(slots=True)
class Packet:
    """A packet to forward; `sequence` counts on without wrapping, `keyframe` marks a GOP's first."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    keyframe: bool = False


class Track:
    """The recent packets of one kind, and the GOP a new viewer starts with.

    Video opens at a keyframe, after the start and after every hole, so what is in the ring can
    always be decoded. Lost audio leaves a gap in the numbers: concealment needs to know.
    """

    def __init__(self, kind: Kind, layer: int = 0) -> None:
        self.kind = kind
        self.layer = layer
        self.clock_rate = CLOCK_RATES[kind]
        self.newest = -1
        self._ring: list[Packet | None] = [None] * RING_PACKETS[kind]
        self._gop_start: int | None = None
        self._frames = 0
        self._open = kind == "audio"
        self._is_rebased = False
        self._timestamp_offset = 0
        self._last_timestamp = 0
        self._last_at: float | None = None

    @property
    def wants_keyframe(self) -> bool:
        """Whether no picture can be shown, or no new viewer be served, before the next keyframe."""
        return self.kind == "video" and (not self._open or self._gop_start is None)

    @property
    def newest_timestamp(self) -> int:
        """The viewers' timestamp of the newest packet."""
        return self._last_timestamp

    def timestamp_now(self, now: float) -> int:
        """Return the viewers' timestamp of this instant, going by when packets came."""
        passed = 0.0 if self._last_at is None else now - self._last_at
        return (self._last_timestamp + round(passed * self.clock_rate)) & 0xFFFFFFFF

    @property
    def is_open(self) -> bool:
        """Whether packets are passing."""
        return self._open

    @property
    def is_rebased(self) -> bool:
        """Whether the current publisher's timestamps can be told in the viewers' already."""
        return self._is_rebased

    def begin_publisher(self) -> None:
        """Expect packets of another publisher, whose numbers and timestamps start anywhere."""
        self._open = self.kind == "audio"
        self._is_rebased = False

    def append(self, packet: RtpPacket, skipped: int, now: float) -> Packet | None:
        """Number a packet that is next in order; return None where viewers must not see it."""
        if skipped and self.kind == "video":
            self._open = False
        if not packet.payload:
            return None
        keyframe = self.kind == "video" and starts_keyframe(packet.payload)
        if not self._open and not keyframe:
            return None
        self._open = True
        if not self._is_rebased:
            self._rebase(packet.timestamp, now)
        timestamp = self.map_timestamp(packet.timestamp)
        keyframe = keyframe and not self._continues_keyframe(timestamp)
        self.newest += 1 + (skipped if self.kind == "audio" else 0)
        numbered = Packet(self.newest, timestamp, packet.marker, packet.payload, keyframe)
        self._remember(numbered)
        self._last_timestamp, self._last_at = timestamp, now
        return numbered

    def get(self, sequence: int) -> Packet | None:
        """Return a packet that is still in the ring."""
        packet = self._ring[sequence % len(self._ring)]
        return packet if packet is not None and packet.sequence == sequence else None

    def gop(self) -> list[Packet]:
        """Return the packets since the last keyframe, or nothing where they are too many to replay."""
        if self._gop_start is None or not self._open:
            return []
        found = [self.get(sequence) for sequence in range(self._gop_start, self.newest + 1)]
        return [packet for packet in found if packet is not None]

    def map_timestamp(self, timestamp: int) -> int:
        """Return the viewers' timestamp for one of the current publisher's."""
        return (timestamp + self._timestamp_offset) & 0xFFFFFFFF

    def _rebase(self, timestamp: int, now: float) -> None:
        self._is_rebased = True
        if self._last_at is None:
            return
        passed = max(now - self._last_at, FRAME_SECONDS[self.kind])
        target = self._last_timestamp + round(passed * self.clock_rate)
        self._timestamp_offset = (target - timestamp) & 0xFFFFFFFF

    def _continues_keyframe(self, timestamp: int) -> bool:
        """Tell whether an IDR follows its own SPS, sent in a packet before it."""
        if self._gop_start is None:
            return False
        start = self.get(self._gop_start)
        return start is not None and start.timestamp == timestamp

    def _remember(self, packet: Packet) -> None:
        self._ring[packet.sequence % len(self._ring)] = packet
        if packet.keyframe:
            self._gop_start, self._frames = packet.sequence, 0
        if packet.timestamp != self._last_timestamp:
            self._frames += 1
        if self._gop_start is None:
            return
        too_long = packet.sequence - self._gop_start >= len(self._ring)
        if too_long or self._frames > MAX_REPLAY_FRAMES:
            self._gop_start = None
