"""One seat's stream: one publisher at a time, many viewers, and their timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from media import rtcp
from media.channel import Channel
from media.egress import Egress
from media.events import EventType, StreamEvent
from media.reorder import Arrival
from media.rtcp import to_ntp
from media.sender_clock import SenderClock
from media.sink import Leg, find_keyframe
from media.track import AUDIO, Packet, Track, TrackId

if TYPE_CHECKING:
    from media.publisher import Publisher
    from media.viewer import Viewer

Schedule = Callable[[float, Callable[[], None]], object]

REPLAY_BURST_PACKETS = 24
REPLAY_INTERVAL_SECONDS = 0.004
REPORT_SLICES = 50


class Stream:
    """Numbers a publisher's packets and hands them to every viewer.

    Viewers stay while publishers come and go. Packets taken are sent at the next `flush`, so that a
    burst that came together leaves together.
    """

    def __init__(
        self,
        room: str,
        seat: str,
        egress: Egress,
        schedule: Schedule,
        unix_offset: float,
        on_event: Callable[[StreamEvent], None],
        now: float,
    ) -> None:
        self.room = room
        self.seat = seat
        self.channels: dict[TrackId, Channel] = {}
        self.publisher: Publisher | None = None
        self.vacant_since = now
        self.viewers: list[Viewer] = []
        self.sent_packets = 0
        self.sent_octets = 0
        self.retransmitted = 0
        self.nacked = 0
        self.keyframes_wanted = 0
        self._egress = egress
        self._schedule = schedule
        self._unix_offset = unix_offset
        self._on_event = on_event
        self._is_pacing = False
        self._slice = 0
        self._taken_at = now
        self._add_channels([AUDIO, ("video", 0)])

    @property
    def tracks(self) -> dict[TrackId, Track]:
        """What viewers are numbered by."""
        return {track_id: channel.track for track_id, channel in self.channels.items()}

    @property
    def is_live(self) -> bool:
        """Whether a new viewer would see something."""
        return self.publisher is not None and self.publisher.is_flowing

    @property
    def _has_layers(self) -> bool:
        return ("video", 1) in self.channels

    def layers_wanting_keyframe(self, now: float) -> list[int]:
        """Return layers of which no picture can be shown, or no new viewer be served, before a keyframe."""
        first = self._first_layer(now)
        return [
            layer
            for (kind, layer), channel in self.channels.items()
            if kind == "video" and (layer == first or channel.is_watched) and channel.wants_keyframe
        ]

    def begin(self, publisher: Publisher) -> None:
        """Take packets of this publisher from now on."""
        self.publisher = publisher
        self._add_channels(publisher.source.tracks)
        for channel in self.channels.values():
            channel.track.begin_publisher()

    def vacate(self, now: float) -> None:
        """Wait for another publisher; the last picture stays on the viewers' screens."""
        self.publisher = None
        self.vacant_since = now

    def take(self, arrivals: Iterable[tuple[TrackId, Arrival]], now: float) -> None:
        """Number packets that are next in order, for the next flush."""
        self._taken_at = now
        for track_id, arrival in arrivals:
            channel = self.channels[track_id]
            packet = channel.track.append(arrival.packet, arrival.skipped, now)
            if packet is not None:
                channel.pending.append(packet)

    def flush(self) -> None:
        """Send what was taken to every viewer that is live; queue it for those who still catch up.

        Viewers change layers only after everything has been sent, so that none misses a number.
        """
        flushed = [channel for channel in self.channels.values() if channel.pending]
        for channel in flushed:
            self._send(channel.pending, list(channel.live.values()))
        for channel in flushed:
            packets, channel.pending = channel.pending, []
            self._follow(channel, packets)
            self._take_over(channel, packets)

    def start(self, viewer: Viewer) -> None:
        """Begin sending to a viewer whose connection is ready."""
        self.flush()
        layer = self._first_layer(self._taken_at)
        viewer.sink.start_audio(self.channels[AUDIO].track)
        viewer.sink.start_video(self.channels["video", layer].track.gop(), layer)
        self.viewers.append(viewer)
        self._place(viewer)
        if viewer.sink.is_replaying and not self._is_pacing:
            self._pace()

    def remove(self, viewer: Viewer) -> None:
        """Stop sending to a viewer."""
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            for channel in self.channels.values():
                channel.remove(viewer)

    def retransmit(self, viewer: Viewer, nack: rtcp.Nack, now: float) -> None:
        """Send again what a viewer misses, from the ring."""
        self.nacked += len(nack.sequences)
        kind, packets = viewer.sink.retransmissions(nack, self.tracks, now)
        leg = viewer.sink.repair_leg(kind)
        if packets and leg is not None:
            self.retransmitted += len(packets)
            self._send(packets, [leg])

    def request_keyframe(self, viewer: Viewer, now: float) -> None:
        """Pass a viewer's wish on; the source throttles it."""
        self.keyframes_wanted += 1
        if self.publisher is not None:
            self.publisher.request_keyframe(now, viewer.sink.layer)

    def change_layer(self, viewer: Viewer, wanted: int) -> None:
        """Send a viewer another layer from its next keyframe on; one that still catches up is left alone."""
        current = viewer.sink.layer
        is_live = viewer.id in self.channels["video", current].live
        for (kind, layer), channel in self.channels.items():
            if kind == "video" and layer == wanted != current and is_live:
                channel.arriving[viewer.id] = viewer
            else:
                channel.arriving.pop(viewer.id, None)

    def tick(self, now: float) -> None:
        """Run what is due: the publisher's feedback, and reports to a slice of the viewers."""
        if self.publisher is not None:
            self.publisher.tick(now)
        self.flush()
        self._slice = (self._slice + 1) % REPORT_SLICES
        viewers = self.viewers[self._slice :: REPORT_SLICES]
        if viewers and self.publisher is not None:
            self._report(viewers, self.publisher.source.clock, now)
            if self._has_layers:
                self._choose_layers(viewers, self.publisher.source.video_bitrates(now), now)

    def announce(self, event: EventType, incarnation: str, person: str, now: float) -> None:
        """Tell the gateway."""
        at_ms = round((now + self._unix_offset) * 1000)
        self._on_event(StreamEvent(event, self.room, self.seat, incarnation, at_ms, person))

    def _send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        self.sent_packets += len(packets) * len(legs)
        self.sent_octets += sum(len(packet.payload) for packet in packets) * len(legs)
        self._egress.send(packets, legs)

    def _add_channels(self, tracks: Iterable[TrackId]) -> None:
        for kind, layer in tracks:
            self.channels.setdefault((kind, layer), Channel(Track(kind, layer)))

    def _report(self, viewers: list[Viewer], clock: SenderClock, now: float) -> None:
        timestamps: dict[TrackId, int] = {}
        for track_id, track in self.tracks.items():
            timestamp = clock.timestamp_at(track_id, now)
            if timestamp is not None and track.is_rebased:
                timestamps[track_id] = track.map_timestamp(timestamp)
        ntp = to_ntp(now + self._unix_offset)
        for viewer in viewers:
            viewer.peer.send_rtcp(viewer.sink.reports(timestamps, ntp))

    def _choose_layers(self, viewers: list[Viewer], bitrates: Mapping[int, float], now: float) -> None:
        for viewer in viewers:
            leg = viewer.sink.leg("video")
            sent = leg.packets if leg is not None else 0
            self.change_layer(viewer, viewer.choice.choose(viewer.sink.layer, bitrates, sent, now))

    def _first_layer(self, now: float) -> int:
        """Return the layer a new viewer begins with: the best that flows, of which a picture is at hand."""
        if self.publisher is None or not self._has_layers:
            return 0
        bitrates = self.publisher.source.video_bitrates(now)
        ladder = sorted(bitrates, key=bitrates.__getitem__, reverse=True) or [0]
        return next((layer for layer in ladder if self.channels["video", layer].track.is_open), ladder[0])

    def _take_over(self, channel: Channel, packets: list[Packet]) -> None:
        """Change viewers over who waited for a keyframe of this layer."""
        at = find_keyframe(packets) if channel.arriving else None
        if at is None:
            return
        arriving, channel.arriving = channel.arriving, {}
        legs = []
        for viewer in arriving.values():
            old = self.channels["video", viewer.sink.layer]
            leg = old.live.pop(viewer.id)
            time = self._timestamp_in(old.track, channel.track, packets[at]) + leg.timestamp_offset
            viewer.sink.change_layer(old.track, channel.track, packets[at], time & 0xFFFFFFFF)
            viewer.choice.switched(self._taken_at)
            channel.live[viewer.id] = leg
            legs.append(leg)
        self._send(packets[at:], legs)

    def _timestamp_in(self, old: Track, new: Track, packet: Packet) -> int:
        """Return the time of a layer's packet as another layer counts it.

        Each layer counts from a number of its own; the publisher's reports tie them together, and until
        the first has come the times of arrival must do.
        """
        now = self._taken_at
        behind = (new.timestamp_now(now) - packet.timestamp) & 0xFFFFFFFF
        clock = self.publisher.source.clock if self.publisher is not None else None
        ours = clock.timestamp_at((old.kind, old.layer), now) if clock else None
        theirs = clock.timestamp_at((new.kind, new.layer), now) if clock else None
        if ours is None or theirs is None or not old.is_rebased:
            return (old.timestamp_now(now) - behind) & 0xFFFFFFFF
        since = (new.map_timestamp(theirs) - packet.timestamp) & 0xFFFFFFFF
        return (old.map_timestamp(ours) - since) & 0xFFFFFFFF

    def _follow(self, channel: Channel, packets: list[Packet]) -> None:
        if not channel.waiting:
            return
        for viewer in channel.waiting.values():
            viewer.sink.follow(packets)
        if not self._is_pacing:
            self._pace()

    def _pace(self) -> None:
        """Send the next burst of every replay, and come back while there is more."""
        self._is_pacing = False
        catching_up = [
            viewer
            for channel in self.channels.values()
            for viewer in channel.waiting.values()
            if viewer.sink.is_replaying
        ]
        for viewer in catching_up:
            leg = viewer.sink.leg("video")
            if leg is not None:
                self._send(viewer.sink.next_replay(REPLAY_BURST_PACKETS), [leg])
            self._place(viewer)
        if any(viewer.sink.is_replaying for viewer in catching_up):
            self._is_pacing = True
            self._schedule(REPLAY_INTERVAL_SECONDS, self._pace)

    def _place(self, viewer: Viewer) -> None:
        """Keep apart who takes packets as they come and who catches up."""
        for channel in (self.channels[AUDIO], self.channels["video", viewer.sink.layer]):
            leg = viewer.sink.leg(channel.track.kind)
            if leg is not None:
                self._place_on(channel, viewer, leg)

    def _place_on(self, channel: Channel, viewer: Viewer, leg: Leg) -> None:
        if viewer.sink.is_live(channel.track.kind):
            channel.live[viewer.id] = leg
            channel.waiting.pop(viewer.id, None)
        elif channel.track.kind == "video":
            channel.waiting[viewer.id] = viewer
