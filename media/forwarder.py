"""Every stream and session of this process."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable

from media.answer import Transport, write_answer, write_fragment
from media.egress_native import open_egress
from media.endpoint.peer import Peer
from media.endpoint.udp import UdpEndpoint
from media.errors import NotLive, Overloaded, SeatTaken, UnknownSession
from media.events import StreamEvent
from media.publisher import Publisher
from media.sdp import AgreedMedia, Offer
from media.sink import Sink, ViewedFormat
from media.source import PublishedFormat, Source
from media.stream import Stream
from media.viewer import Viewer

logger = logging.getLogger(__name__)

Session = Publisher | Viewer

TICK_SECONDS = 0.02
PEER_TICKS = 5
REPUBLISH_SECONDS = 30.0
ENDED_REMEMBERED = 10_000


class Forwarder:
    """Opens and ends sessions, and drives what is due; belongs to one event loop."""

    def __init__(
        self,
        endpoint: UdpEndpoint,
        advertise: tuple[str, ...],
        max_viewers: int,
        on_event: Callable[[StreamEvent], None],
    ) -> None:
        self.endpoint = endpoint
        self.egress = open_egress(endpoint.socket)
        self.streams: dict[tuple[str, str], Stream] = {}
        self.sessions: dict[str, Session] = {}
        self._ended: deque[str] = deque(maxlen=ENDED_REMEMBERED)
        self._advertise = advertise
        self._max_viewers = max_viewers
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._clock = time.monotonic
        self._unix_offset = time.time() - time.monotonic()
        endpoint.start(self.flush)

    def publish(self, person: str, room: str, seat: str, offer: Offer) -> tuple[Publisher, str]:
        """Open a publisher's session and return it with the answer.

        The same person takes over from a session of hers that is still open; for somebody else the
        seat is free once nothing comes from the one before. Raises `SeatTaken`.
        """
        now = self._clock()
        stream = self.streams.get((room, seat))
        if stream is not None and stream.publisher is not None:
            self._take_over(stream.publisher, person)
        stream = self.streams.setdefault((room, seat), stream or self._new_stream(room, seat, now))
        peer = self._open_peer(offer, keeps_handshake=True)
        source = Source(_published(offer), _twcc(offer), self._unix_offset, secrets.randbits(32))
        publisher = Publisher(person, offer, peer, source, stream, self.end, now)
        peer.listen(publisher)
        stream.begin(publisher)
        self.sessions[publisher.id] = publisher
        return publisher, write_answer(offer, "recvonly", self._transport(peer))

    def watch(self, person: str, room: str, seat: str, offer: Offer) -> tuple[Viewer, str]:
        """Open a viewer's session and return it with the answer; raise `NotLive` or `Overloaded`."""
        stream = self.streams.get((room, seat))
        if stream is None or not stream.is_live:
            raise NotLive("nothing is published on this seat at the moment")
        if sum(isinstance(session, Viewer) for session in self.sessions.values()) >= self._max_viewers:
            raise Overloaded("this server carries as many viewers as it can")
        offer = offer.with_ssrcs()
        peer = self._open_peer(offer, keeps_handshake=False)
        sink = Sink(_viewed(offer), peer.destination, "live")
        viewer = Viewer(person, offer, peer, sink, stream, self.end)
        peer.listen(viewer)
        self.sessions[viewer.id] = viewer
        return viewer, write_answer(offer, "sendonly", self._transport(peer))

    def session(self, session_id: str) -> Session:
        """Return an open session; raise `UnknownSession`."""
        session = self.sessions.get(session_id)
        if session is None:
            raise UnknownSession("there is no such session")
        return session

    def has_ended(self, session_id: str) -> bool:
        """Tell whether a session was here lately and is over."""
        return session_id in self._ended

    def restart_ice(self, session: Session) -> str:
        """Give a session new ICE credentials and return the fragment that announces them."""
        self.endpoint.restart_ice(session.peer)
        return write_fragment(session.offer, self._transport(session.peer))

    def end(self, session: Session, reason: str) -> None:
        """End a session; ending it twice does nothing."""
        if self.sessions.pop(session.id, None) is None:
            return
        self._ended.append(session.id)
        logger.info("session ended: %s", reason)
        if isinstance(session, Viewer):
            session.peer.send_rtcp(session.sink.goodbye())
            session.stream.remove(session)
        elif session.stream.publisher is session:
            session.stream.vacate(self._clock())
            session.ended(self._clock())
        self.endpoint.close_peer(session.peer)

    def flush(self) -> None:
        """Send what the last drain of the socket brought."""
        for stream in self.streams.values():
            stream.flush()

    async def run(self) -> None:
        """Drive timers until cancelled; a fault in one session does not stop the others."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            ticks += 1
            for stream in list(self.streams.values()):
                self._tick_stream(stream, now)
            if ticks % PEER_TICKS == 0:
                for peer in self.endpoint.peers:
                    self._tick_peer(peer, now)

    def close(self) -> None:
        """End every session and close the socket."""
        for session in list(self.sessions.values()):
            self.end(session, "the server stops")
        self.endpoint.close()

    def _tick_stream(self, stream: Stream, now: float) -> None:
        try:
            stream.tick(now)
        except Exception:
            logger.exception("stream %s/%s failed in its tick", stream.room, stream.seat)
        if stream.publisher is None and now - stream.vacant_since > REPUBLISH_SECONDS:
            self._remove_stream(stream)

    def _tick_peer(self, peer: Peer, now: float) -> None:
        try:
            peer.tick(now)
        except Exception:
            logger.exception("a peer failed in its tick")

    def _remove_stream(self, stream: Stream) -> None:
        del self.streams[stream.room, stream.seat]
        for session in list(self.sessions.values()):
            if session.stream is stream:
                self.end(session, "the stream is over")

    def _take_over(self, publisher: Publisher, person: str) -> None:
        if publisher.person != person and not publisher.is_overdue(self._clock()):
            raise SeatTaken("somebody else is publishing on this seat")
        self.end(publisher, "taken over")

    def _new_stream(self, room: str, seat: str, now: float) -> Stream:
        return Stream(room, seat, self.egress, self._loop.call_later, self._unix_offset, self._on_event, now)

    def _open_peer(self, offer: Offer, *, keeps_handshake: bool) -> Peer:
        return self.endpoint.open_peer(
            offer.fingerprints, is_dtls_client=offer.makes_us_dtls_client, keeps_handshake=keeps_handshake
        )

    def _transport(self, peer: Peer) -> Transport:
        return Transport(
            peer.credentials, self.endpoint.identity.fingerprint, self._advertise, self.endpoint.port
        )


def _published(offer: Offer) -> list[PublishedFormat]:
    return [
        PublishedFormat(media.kind, media.payload_type, media.rtx_payload_type, "nack" in media.feedback)
        for media in offer.media
    ]


def _viewed(offer: Offer) -> list[ViewedFormat]:
    return [_viewed_format(media) for media in offer.media]


def _viewed_format(media: AgreedMedia) -> ViewedFormat:
    return ViewedFormat(
        media.kind, media.payload_type, media.ssrc, media.rtx_payload_type, media.rtx_ssrc or None
    )


def _twcc(offer: Offer) -> int | None:
    return next((media.twcc_extension for media in offer.media if media.twcc_extension is not None), None)
