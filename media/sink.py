"""A viewer: numbering, retransmission, replay and reports of what it is sent. No I/O."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from media import rtcp
from media.endpoint.destination import Destination
from media.endpoint.srtp import CData
from media.rtp import HEADER, MARKER, VERSION_2
from media.track import CLOCK_RATES, Kind, Packet, Track

REPEAT_SECONDS = 0.1
MAX_REMEMBERED_REPEATS = 512
REPLAY_TICKS_PER_FRAME = CLOCK_RATES["video"] // 1000


@dataclass(slots=True)
class Leg:
    """How one kind of media is rewritten for one viewer; offsets are added modulo the field and stay.

    `laid_out` and `laid_out_for` belong to the egress.
    """

    destination: Destination
    ssrc: int
    payload_type: int
    sequence_offset: int = 0
    timestamp_offset: int = 0
    packets: int = 0
    octets: int = 0
    laid_out: CData = None
    laid_out_for: CData = None

    def rewrite(self, packet: Packet) -> bytes:
        """Return the plain RTP packet this viewer gets: the meaning that every egress has to keep."""
        header = HEADER.pack(
            VERSION_2,
            self.payload_type | (MARKER if packet.marker else 0),
            (packet.sequence + self.sequence_offset) & 0xFFFF,
            (packet.timestamp + self.timestamp_offset) & 0xFFFFFFFF,
            self.ssrc,
        )
        return header + packet.payload


@dataclass(frozen=True, slots=True)
class ViewedFormat:
    """One kind of media as agreed with a viewer."""

    kind: Kind
    payload_type: int
    ssrc: int
    rtx_payload_type: int | None = None
    rtx_ssrc: int | None = None


class Sink:
    """One viewer of a stream; it is sent video from a keyframe on and never misses a number."""

    def __init__(self, formats: Sequence[ViewedFormat], destination: Destination, cname: str) -> None:
        self._cname = cname
        self._legs: dict[Kind, Leg] = {}
        self._rtx: dict[Kind, Leg] = {}
        for viewed in formats:
            self._legs[viewed.kind] = Leg(destination, viewed.ssrc, viewed.payload_type, secrets.randbits(15))
            if viewed.rtx_payload_type is not None and viewed.rtx_ssrc is not None:
                self._rtx[viewed.kind] = Leg(destination, viewed.rtx_ssrc, viewed.rtx_payload_type)
        self._replay: deque[Packet] = deque()
        self._replayed: dict[int, Packet] = {}
        self._first: dict[Kind, int] = {}
        self._repeated_at: dict[tuple[Kind, int], float] = {}
        self._rtx_sent = 0
        self._replay_is_over = False
        self.retransmitted = 0

    def leg(self, kind: Kind) -> Leg | None:
        """Return the leg of this kind, where the viewer takes it."""
        return self._legs.get(kind)

    def repair_leg(self, kind: Kind) -> Leg | None:
        """Return the leg retransmissions go by: RTX where it was agreed, else the leg itself."""
        return self._rtx.get(kind) or self._legs.get(kind)

    @property
    def is_replaying(self) -> bool:
        """Whether cached packets are still to be sent; live ones queue behind them."""
        return bool(self._replay)

    def is_live(self, kind: Kind) -> bool:
        """Whether packets of this kind can be sent to this viewer as they come."""
        return kind in self._legs and kind in self._first and not (kind == "video" and self._replay)

    def start_audio(self, track: Track) -> None:
        """Take audio from the next packet on."""
        if "audio" in self._legs:
            self._first["audio"] = track.newest + 1

    def start_video(self, gop: Sequence[Packet]) -> None:
        """Start with a cached GOP, so that the first picture does not wait for a keyframe."""
        if gop and "video" in self._legs and "video" not in self._first:
            self._first["video"] = gop[0].sequence
            self._replay.extend(squeeze(gop))
            self._replayed = {packet.sequence: packet for packet in self._replay}

    def follow(self, packets: Sequence[Packet]) -> None:
        """Queue live video behind a replay, or start with the keyframe among `packets`."""
        if self._replay:
            self._replay.extend(packets)
            return
        keyframe = next((at for at, packet in enumerate(packets) if packet.keyframe), None)
        if keyframe is not None and "video" in self._legs and "video" not in self._first:
            self._first["video"] = packets[keyframe].sequence
            self._replay.extend(packets[keyframe:])

    def next_replay(self, count: int) -> list[Packet]:
        """Return the next packets of the replay; the sender paces them."""
        return [self._replay.popleft() for _ in range(min(count, len(self._replay)))]

    def retransmissions(self, nack: rtcp.Nack, track: Track, now: float) -> list[Packet]:
        """Return what to send on `repair_leg` for a NACK, each at most once in a tenth of a second."""
        leg = self._legs.get(track.kind)
        if leg is None or leg.ssrc != nack.ssrc or track.kind not in self._first:
            return []
        found = (self._lookup(sequence, leg, track, now) for sequence in nack.sequences)
        again = [packet for packet in found if packet is not None]
        self.retransmitted += len(again)
        if track.kind not in self._rtx:
            return again
        return [self._wrap_rtx(packet, leg) for packet in again]

    def reports(self, timestamps: dict[Kind, int], ntp: int) -> bytes:
        """Return a compound of SRs that ties each kind's viewer timestamp to one instant."""
        self._forget_replay()
        compound = b""
        for kind, timestamp in timestamps.items():
            leg = self._legs.get(kind)
            if leg is not None and leg.packets:
                moved = (timestamp + leg.timestamp_offset) & 0xFFFFFFFF
                compound += rtcp.sender_report(
                    rtcp.SenderReport(leg.ssrc, ntp, moved, leg.packets, leg.octets)
                )
        if not compound:
            return b""
        return compound + rtcp.source_description([leg.ssrc for leg in self._legs.values()], self._cname)

    def goodbye(self) -> bytes:
        """Return a BYE for everything this viewer was sent."""
        ssrcs = [leg.ssrc for leg in self._legs.values()]
        return rtcp.receiver_report(ssrcs[0], ()) + rtcp.goodbye(ssrcs) if ssrcs else b""

    def _forget_replay(self) -> None:
        """Free a replay one report after its end.

        It cannot be repeated from then on: the ring has other timestamps, and no number may leave
        with two contents under one SRTP key.
        """
        if self._replayed and not self._replay:
            if self._replay_is_over:
                self._first["video"] = max(self._replayed) + 1
                self._replayed = {}
            self._replay_is_over = True

    def _wrap_rtx(self, packet: Packet, leg: Leg) -> Packet:
        """Return the packet as RFC 4588 repeats it: numbered anew, its own number in front."""
        number = (packet.sequence + leg.sequence_offset) & 0xFFFF
        self._rtx_sent += 1
        payload = number.to_bytes(2, "big") + packet.payload
        return Packet(self._rtx_sent, packet.timestamp + leg.timestamp_offset, packet.marker, payload)

    def _lookup(self, sequence: int, leg: Leg, track: Track, now: float) -> Packet | None:
        behind = (track.newest + leg.sequence_offset - sequence) & 0xFFFF
        wanted = track.newest - behind
        if wanted < self._first[track.kind] or now - self._repeated_at.get((track.kind, wanted), -1.0) < (
            REPEAT_SECONDS
        ):
            return None
        packet = track.get(wanted)
        if packet is None:
            return None
        if len(self._repeated_at) >= MAX_REMEMBERED_REPEATS:
            self._repeated_at.clear()
        self._repeated_at[track.kind, wanted] = now
        return self._replayed.get(wanted, packet)


def squeeze(gop: Sequence[Packet]) -> list[Packet]:
    """Return a GOP whose frames lie a millisecond apart and end at the newest one's time.

    With their own timestamps a player would show the past as a fast-forward.
    """
    frames: list[int] = []
    for packet in gop:
        if not frames or frames[-1] != packet.timestamp:
            frames.append(packet.timestamp)
    last = frames[-1]
    moved = {
        timestamp: (last - REPLAY_TICKS_PER_FRAME * (len(frames) - 1 - index)) & 0xFFFFFFFF
        for index, timestamp in enumerate(frames)
    }
    return [
        Packet(packet.sequence, moved[packet.timestamp], packet.marker, packet.payload, packet.keyframe)
        for packet in gop
    ]
