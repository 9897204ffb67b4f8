"""The session of a publisher: its peer's packets go through its source into the stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from media.endpoint.peer import Peer
from media.errors import MalformedPacket
from media.events import EventType
from media.sdp import Offer
from media.source import Source
from media.stream import Stream
from media.tokens import Pass

STALL_SECONDS = 2.0
CONNECT_SECONDS = 5.0
ALIVE_SECONDS = 5.0


class Publisher:
    """One WHIP session; `id` names it in its URL, `incarnation` in the events about its stream."""

    def __init__(
        self,
        session_id: str,
        token: Pass,
        offer: Offer,
        peer: Peer,
        source: Source,
        stream: Stream,
        on_end: Callable[[Publisher, str], None],
        now: float,
    ) -> None:
        self.id = session_id
        self.incarnation = secrets.token_hex(16)
        self.token = token
        self.offer = offer
        self.peer = peer
        self.source = source
        self.stream = stream
        self.is_stalled = False
        self._opened_at = now
        self._alive_due = 0.0
        self._on_end = on_end

    @property
    def is_flowing(self) -> bool:
        """Whether media has arrived, and not stopped since."""
        return self.source.last_packet_at is not None and not self.is_stalled

    def is_overdue(self, now: float) -> bool:
        """Whether nothing comes although it has had time enough."""
        return not self.is_flowing and now - self._opened_at > CONNECT_SECONDS

    def connected(self) -> None:
        """Nothing yet: the stream starts with its first packet."""

    def rtp_received(self, data: bytes, now: float) -> None:
        """Forward what is in order now."""
        is_first = self.source.last_packet_at is None
        try:
            arrivals = self.source.receive(data, now)
        except MalformedPacket:
            return
        if is_first:
            self._announce("stream.started", now)
        elif self.is_stalled:
            self.is_stalled = False
            self._announce("stream.resumed", now)
        self.stream.take(arrivals, now)

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Learn the publisher's clock."""
        try:
            self.source.receive_rtcp(data, now)
        except MalformedPacket:
            return
        if self.source.said_goodbye:
            self._on_end(self, "the publisher said goodbye")

    def disconnected(self, reason: str) -> None:
        """End the session."""
        self._on_end(self, reason)

    def tick(self, now: float) -> None:
        """Send the feedback that is due and notice silence."""
        self.stream.take(self.source.expire(now), now)
        for packet in self.source.feedback(now):
            self.peer.send_rtcp(packet)
        for layer in self.stream.layers_wanting_keyframe(now):
            self.request_keyframe(now, layer)
        last = self.source.last_packet_at
        if last is not None and not self.is_stalled and now - last > STALL_SECONDS:
            self.is_stalled = True
            self._announce("stream.stalled", now)
        elif last is not None and now >= self._alive_due:
            self._announce("stream.stalled" if self.is_stalled else "stream.alive", now)

    def request_keyframe(self, now: float, layer: int = 0) -> None:
        """Ask for a keyframe of a layer, at most twice a second."""
        for packet in self.source.request_keyframe(now, layer):
            self.peer.send_rtcp(packet)

    def ended(self, now: float) -> None:
        """Tell the gateway that a stream which had started is over."""
        if self.source.last_packet_at is not None:
            self._announce("stream.ended", now)

    def _announce(self, event: EventType, now: float) -> None:
        self._alive_due = now + ALIVE_SECONDS
        self.stream.announce(event, self.incarnation, self.token.person, now)
