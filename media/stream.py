"""One seat's stream: one publisher at a time, many viewers, and their timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from media import rtcp
from media.egress import Egress
from media.events import EventType, StreamEvent
from media.reorder import Arrival
from media.rtcp import to_ntp
from media.sink import Leg
from media.track import Kind, Packet, Track

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
        self.tracks: dict[Kind, Track] = {"audio": Track("audio"), "video": Track("video")}
        self.publisher: Publisher | None = None
        self.vacant_since = now
        self.viewers: list[Viewer] = []
        self.retransmitted = 0
        self.keyframes_wanted = 0
        self._egress = egress
        self._schedule = schedule
        self._unix_offset = unix_offset
        self._on_event = on_event
        self._pending: dict[Kind, list[Packet]] = {"audio": [], "video": []}
        self._live: dict[Kind, dict[str, Leg]] = {"audio": {}, "video": {}}
        self._waiting: dict[str, Viewer] = {}
        self._is_pacing = False
        self._slice = 0

    @property
    def is_live(self) -> bool:
        """Whether a new viewer would see something."""
        return self.publisher is not None and self.publisher.is_flowing

    @property
    def wants_keyframe(self) -> bool:
        """Whether no picture can be shown, or no new viewer be served, before the next keyframe."""
        return self.tracks["video"].wants_keyframe

    def begin(self, publisher: Publisher) -> None:
        """Take packets of this publisher from now on."""
        self.publisher = publisher
        for track in self.tracks.values():
            track.begin_publisher()

    def vacate(self, now: float) -> None:
        """Wait for another publisher; the last picture stays on the viewers' screens."""
        self.publisher = None
        self.vacant_since = now

    def take(self, arrivals: Iterable[tuple[Kind, Arrival]], now: float) -> None:
        """Number packets that are next in order, for the next flush."""
        for kind, arrival in arrivals:
            packet = self.tracks[kind].append(arrival.packet, arrival.skipped, now)
            if packet is not None:
                self._pending[kind].append(packet)

    def flush(self) -> None:
        """Send what was taken to every viewer that is live; queue it for those who still catch up."""
        for kind, packets in self._pending.items():
            if not packets:
                continue
            self._pending[kind] = []
            self._egress.send(packets, list(self._live[kind].values()))
            if kind == "video" and self._waiting:
                self._follow(packets)

    def start(self, viewer: Viewer) -> None:
        """Begin sending to a viewer whose connection is ready."""
        self.flush()
        viewer.sink.start_audio(self.tracks["audio"])
        viewer.sink.start_video(self.tracks["video"].gop())
        self.viewers.append(viewer)
        self._place(viewer)
        if not self._is_pacing:
            self._pace()

    def remove(self, viewer: Viewer) -> None:
        """Stop sending to a viewer."""
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            self._waiting.pop(viewer.id, None)
            for legs in self._live.values():
                legs.pop(viewer.id, None)

    def retransmit(self, viewer: Viewer, nack: rtcp.Nack, now: float) -> None:
        """Send again what a viewer misses, from the ring."""
        for kind, track in self.tracks.items():
            packets = viewer.sink.retransmissions(nack, track, now)
            leg = viewer.sink.repair_leg(kind)
            if packets and leg is not None:
                self.retransmitted += len(packets)
                self._egress.send(packets, [leg])

    def request_keyframe(self, now: float) -> None:
        """Pass a viewer's wish on; the source throttles it."""
        self.keyframes_wanted += 1
        if self.publisher is not None:
            self.publisher.request_keyframe(now)

    def tick(self, now: float) -> None:
        """Run what is due: the publisher's feedback, and reports to a slice of the viewers."""
        if self.publisher is not None:
            self.publisher.tick(now)
        self.flush()
        self._slice = (self._slice + 1) % REPORT_SLICES
        viewers = self.viewers[self._slice :: REPORT_SLICES]
        if viewers:
            self._report(viewers, now)

    def announce(self, event: EventType, incarnation: str, now: float) -> None:
        """Tell the gateway."""
        at_ms = round((now + self._unix_offset) * 1000)
        self._on_event(StreamEvent(event, self.room, self.seat, incarnation, at_ms))

    def _report(self, viewers: list[Viewer], now: float) -> None:
        if self.publisher is None:
            return
        clock = self.publisher.source.clock
        timestamps: dict[Kind, int] = {}
        for kind, track in self.tracks.items():
            timestamp = clock.timestamp_at(kind, now)
            if timestamp is not None:
                timestamps[kind] = track.map_timestamp(timestamp)
        ntp = to_ntp(now + self._unix_offset)
        for viewer in viewers:
            viewer.peer.send_rtcp(viewer.sink.reports(timestamps, ntp))

    def _follow(self, packets: list[Packet]) -> None:
        for viewer in self._waiting.values():
            viewer.sink.follow(packets)
        if not self._is_pacing:
            self._pace()

    def _pace(self) -> None:
        """Send the next burst of every replay, and come back while there is more."""
        self._is_pacing = False
        catching_up = [viewer for viewer in self._waiting.values() if viewer.sink.is_replaying]
        for viewer in catching_up:
            leg = viewer.sink.leg("video")
            if leg is not None:
                self._egress.send(viewer.sink.next_replay(REPLAY_BURST_PACKETS), [leg])
            self._place(viewer)
        if any(viewer.sink.is_replaying for viewer in catching_up):
            self._is_pacing = True
            self._schedule(REPLAY_INTERVAL_SECONDS, self._pace)

    def _place(self, viewer: Viewer) -> None:
        """Keep apart who takes packets as they come and who catches up."""
        for kind in self.tracks:
            leg = viewer.sink.leg(kind)
            if leg is not None and viewer.sink.is_live(kind):
                self._live[kind][viewer.id] = leg
        if viewer.sink.leg("video") is not None and not viewer.sink.is_live("video"):
            self._waiting[viewer.id] = viewer
        else:
            self._waiting.pop(viewer.id, None)
