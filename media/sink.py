"""A viewer: numbering, retransmission, replay and reports of what it is sent. No I/O."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from media import rtcp
from media.endpoint.destination import Destination
from media.endpoint.srtp import CData
from media.rtp import HEADER, MARKER, VERSION_2
from media.track import CLOCK_RATES, Kind, Packet, Track, TrackId

REPEAT_SECONDS = 0.1
MAX_REMEMBERED_REPEATS = 512
REPEATS_AT_ONCE, REPEATS_PER_SECOND = 1_000, 1_000
"""Packets that are sent to one viewer again: more than a line loses that carries the picture at all."""
MAX_REMEMBERED_SPANS = 4
REPLAY_TICKS_PER_FRAME = CLOCK_RATES["video"] // 1000


@dataclass(slots=True)
class Leg:
    """How one kind of media is rewritten for one viewer; offsets are added modulo the field.

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

    def move(self, sequence_offset: int, timestamp_offset: int) -> None:
        """Rewrite by other offsets from now on."""
        self.sequence_offset, self.timestamp_offset = sequence_offset, timestamp_offset
        self.laid_out = None

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


@dataclass(slots=True)
class _Span:
    """A stretch of a viewer's numbers, counted on without wrapping, that one layer's packets have.

    Number `n` from `first` on is the layer's packet `n - sequence_offset`.
    """

    layer: int
    first: int
    sequence_offset: int
    timestamp_offset: int


class Sink:
    """One viewer of a stream; it is sent video from a keyframe on and never misses a number.

    `layer` is the layer of the picture it is sent, or waits for.
    """

    def __init__(self, formats: Sequence[ViewedFormat], destination: Destination, cname: str) -> None:
        self.layer = 0
        self.retransmitted = 0
        self._cname = cname
        self._legs: dict[Kind, Leg] = {}
        self._rtx: dict[Kind, Leg] = {}
        for viewed in formats:
            self._legs[viewed.kind] = Leg(destination, viewed.ssrc, viewed.payload_type, secrets.randbits(15))
            if viewed.rtx_payload_type is not None and viewed.rtx_ssrc is not None:
                self._rtx[viewed.kind] = Leg(destination, viewed.rtx_ssrc, viewed.rtx_payload_type)
        self._replay: deque[Packet] = deque()
        self._replayed: dict[int, Packet] = {}
        self._spans: dict[Kind, list[_Span]] = {}
        self._repeated_at: dict[tuple[Kind, int], float] = {}
        self._repeats: tuple[float, float] = (REPEATS_AT_ONCE, 0.0)
        self._rtx_sent = 0
        self._replay_is_over = False

    def leg(self, kind: Kind) -> Leg | None:
        """Return the leg of this kind, where the viewer takes it."""
        return self._legs.get(kind)

    def repair_leg(self, kind: Kind) -> Leg | None:
        """Return the leg retransmissions go by: RTX where it was agreed, else the leg itself."""
        return self._rtx.get(kind) or self._legs.get(kind)

    def kind_of(self, ssrc: int) -> Kind | None:
        """Return which of this viewer's streams an SSRC names."""
        return next((kind for kind, leg in self._legs.items() if leg.ssrc == ssrc), None)

    @property
    def is_replaying(self) -> bool:
        """Whether cached packets are still to be sent; live ones queue behind them."""
        return bool(self._replay)

    def is_live(self, kind: Kind) -> bool:
        """Whether packets of this kind can be sent to this viewer as they come."""
        return kind in self._spans and not (kind == "video" and self._replay)

    def start_audio(self, track: Track) -> None:
        """Take audio from the next packet on."""
        if "audio" in self._legs:
            self._begin("audio", track.newest + 1)

    def start_video(self, gop: Sequence[Packet], layer: int = 0) -> None:
        """Start with a cached GOP, so that the first picture does not wait for a keyframe."""
        if "video" in self._spans:
            return
        self.layer = layer
        if gop and "video" in self._legs:
            self._begin("video", gop[0].sequence)
            self._replay.extend(squeeze(gop))
            self._replayed = {packet.sequence: packet for packet in self._replay}

    def follow(self, packets: Sequence[Packet]) -> None:
        """Queue live video behind a replay, or start with the keyframe among `packets`."""
        if self._replay:
            self._replay.extend(packets)
            return
        keyframe = find_keyframe(packets)
        if keyframe is not None and "video" in self._legs and "video" not in self._spans:
            self._begin("video", packets[keyframe].sequence)
            self._replay.extend(packets[keyframe:])

    def change_layer(self, old: Track, new: Track, keyframe: Packet, timestamp: int) -> None:
        """Go on with another layer from `keyframe` on, which the viewer's clock shows at `timestamp`.

        Everything of the old layer has been sent. Numbers go on without a gap, and time never goes back.
        """
        leg = self._legs["video"]
        self._stop_repeating_replay()
        first = old.newest + leg.sequence_offset + 1
        newest = (old.newest_timestamp + leg.timestamp_offset) & 0xFFFFFFFF
        is_later = 0 < (timestamp - newest) & 0xFFFFFFFF < 1 << 31
        timestamp = timestamp if is_later else newest + REPLAY_TICKS_PER_FRAME
        leg.move(first - keyframe.sequence, (timestamp - keyframe.timestamp) & 0xFFFFFFFF)
        self.layer = new.layer
        spans = self._spans["video"]
        spans.append(_Span(new.layer, first, leg.sequence_offset, leg.timestamp_offset))
        del spans[:-MAX_REMEMBERED_SPANS]

    def next_replay(self, count: int) -> list[Packet]:
        """Return the next packets of the replay; the sender paces them."""
        return [self._replay.popleft() for _ in range(min(count, len(self._replay)))]

    def retransmissions(
        self, nack: rtcp.Nack, tracks: Mapping[TrackId, Track], now: float
    ) -> tuple[Kind, list[Packet]]:
        """Return what to send on `repair_leg` for a NACK: each once in a tenth of a second, and not many."""
        kind = self.kind_of(nack.ssrc)
        if kind is None or kind not in self._spans:
            return "video", []
        leg = self._legs[kind]
        wanted = dict.fromkeys(nack.sequences[: 2 * REPEATS_AT_ONCE])
        found = (self._lookup(sequence, kind, leg, tracks, now) for sequence in wanted)
        left, at = self._repeats
        left = min(REPEATS_AT_ONCE, left + (now - at) * REPEATS_PER_SECOND)
        again = list(islice((packet for packet in found if packet is not None), int(left)))
        self._repeats = (left - len(again), now)
        self.retransmitted += len(again)
        if kind not in self._rtx:
            return kind, again
        return kind, [self._wrap_rtx(packet, leg) for packet in again]

    def reports(self, timestamps: Mapping[TrackId, int], ntp: int) -> bytes:
        """Return a compound of SRs that ties each kind's viewer timestamp to one instant."""
        self._forget_replay()
        compound = b""
        for kind, leg in self._legs.items():
            timestamp = timestamps.get((kind, self.layer if kind == "video" else 0))
            if timestamp is not None and leg.packets:
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

    def _begin(self, kind: Kind, sequence: int) -> None:
        leg = self._legs[kind]
        layer = self.layer if kind == "video" else 0
        span = _Span(layer, sequence + leg.sequence_offset, leg.sequence_offset, leg.timestamp_offset)
        self._spans[kind] = [span]

    def _forget_replay(self) -> None:
        """Free a replay one report after its end."""
        if self._replayed and not self._replay:
            if self._replay_is_over:
                self._stop_repeating_replay()
            self._replay_is_over = True

    def _stop_repeating_replay(self) -> None:
        """Repeat nothing of the replay from now on.

        The ring has other timestamps, and no number may leave with two contents under one SRTP key.
        """
        if self._replayed:
            span = self._spans["video"][0]
            span.first = max(self._replayed) + 1 + span.sequence_offset
            self._replayed = {}

    def _wrap_rtx(self, packet: Packet, leg: Leg) -> Packet:
        """Return the packet as RFC 4588 repeats it: numbered anew, its own number in front."""
        number = (packet.sequence + leg.sequence_offset) & 0xFFFF
        self._rtx_sent += 1
        payload = number.to_bytes(2, "big") + packet.payload
        return Packet(self._rtx_sent, packet.timestamp + leg.timestamp_offset, packet.marker, payload)

    def _lookup(
        self, sequence: int, kind: Kind, leg: Leg, tracks: Mapping[TrackId, Track], now: float
    ) -> Packet | None:
        spans = self._spans[kind]
        newest = tracks[kind, spans[-1].layer].newest + leg.sequence_offset
        wanted = newest - ((newest - sequence) & 0xFFFF)
        span = next((span for span in reversed(spans) if wanted >= span.first), None)
        if span is None or now - self._repeated_at.get((kind, wanted), -1.0) < REPEAT_SECONDS:
            return None
        packet = tracks[kind, span.layer].get(wanted - span.sequence_offset)
        if packet is None:
            return None
        if len(self._repeated_at) >= MAX_REMEMBERED_REPEATS:
            self._repeated_at.clear()
        self._repeated_at[kind, wanted] = now
        if kind == "video":
            packet = self._replayed.get(packet.sequence, packet)
        return _as_sent(packet, span, leg)


def _as_sent(packet: Packet, span: _Span, leg: Leg) -> Packet:
    """Return a packet of an earlier span so that the leg, as it stands now, makes of it what it was."""
    if (span.sequence_offset, span.timestamp_offset) == (leg.sequence_offset, leg.timestamp_offset):
        return packet
    return replace(
        packet,
        sequence=packet.sequence + span.sequence_offset - leg.sequence_offset,
        timestamp=(packet.timestamp + span.timestamp_offset - leg.timestamp_offset) & 0xFFFFFFFF,
    )


def find_keyframe(packets: Sequence[Packet]) -> int | None:
    """Return the place of the first packet a decoder can start with."""
    return next((at for at, packet in enumerate(packets) if packet.keyframe), None)


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
