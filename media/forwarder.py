"""Every stream and session of this process."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from media.answer import Transport, write_answer, write_fragment, write_offer
from media.checks import Check, Checks
from media.closures import Closures
from media.counter_offer import Invitation, Invitations, agree
from media.egress import Egress
from media.egress_forked import ForkedEgress
from media.egress_native import open_egress
from media.endpoint.peer import Credentials, Peer
from media.endpoint.udp import UdpEndpoint
from media.errors import Forbidden, NotLive, Overloaded, SeatTaken, TooManyRequests, UnknownSession
from media.events import StreamEvent
from media.free_memory import return_free_memory
from media.publisher import Publisher
from media.sdp import TRANSPORT_CC, AgreedMedia, Offer
from media.simulcast import REPAIRED_RID, RID
from media.sink import Sink, ViewedFormat
from media.source import Extensions, PublishedFormat, Source
from media.stream import Stream
from media.tokens import Pass
from media.viewer import Viewer

logger = logging.getLogger(__name__)

Session = Publisher | Viewer

TICK_SECONDS = 0.02
PEER_TICKS = 5
TRIM_TICKS = 500
TRIMS = 2
"""After the last who came or left: the first may find handshakes that are kept. Each takes milliseconds."""
REPUBLISH_SECONDS = 30.0
ENDED_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many viewers are admitted, and how many of them without an account from one address."""

    viewers: int
    guests_per_address: int


class Forwarder:
    """Opens and ends sessions, and drives what is due; belongs to one event loop."""

    def __init__(
        self,
        endpoint: UdpEndpoint,
        advertise: tuple[str, ...],
        capacity: Capacity,
        on_event: Callable[[StreamEvent], None],
        process: int = 0,
    ) -> None:
        self.endpoint = endpoint
        self.egress: Egress = ForkedEgress(open_egress(endpoint.socket), endpoint.tcp.connections)
        self.streams: dict[tuple[str, str], Stream] = {}
        self.sessions: dict[str, Session] = {}
        self._ended: deque[str] = deque(maxlen=ENDED_REMEMBERED)
        self._advertise = advertise
        self.capacity = capacity
        self._process = process
        self._trims_due = 0
        self._closures = Closures()
        self.invitations = Invitations(time.monotonic)
        self.checks = Checks(endpoint.close_peer, time.monotonic)
        self._viewers_by_line: Counter[str] = Counter()
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._clock = time.monotonic
        self._unix_offset = time.time() - time.monotonic()
        endpoint.start(self.flush)

    def publish(self, token: Pass, room: str, seat: str, offer: Offer) -> tuple[Publisher, str]:
        """Open a publisher's session and return it with the answer.

        The same person takes over from a session of hers that is still open; for somebody else the
        seat is free once nothing comes from the one before. Raises `SeatTaken`, or `Forbidden` where
        the seat was closed since the token was minted.
        """
        if self._closures.cover(token):
            raise Forbidden("the show is over, or the seat was taken back")
        now = self._clock()
        stream = self.streams.get((room, seat))
        if stream is not None and stream.publisher is not None:
            self._take_over(stream.publisher, token.person)
        stream = self.streams.setdefault((room, seat), stream or self._new_stream(room, seat, now))
        peer = self._open_peer(offer, keeps_handshake=True)
        source = Source(_published(offer), _extensions(offer), self._unix_offset, secrets.randbits(32))
        publisher = Publisher(self._new_id(), token, offer, peer, source, stream, self.end, now)
        peer.listen(publisher)
        stream.begin(publisher)
        self.sessions[publisher.id] = publisher
        return publisher, write_answer(offer, "recvonly", self._transport(peer.credentials))

    def close_seat(self, room: str, seat: str, at: float) -> None:
        """End what is published by tokens minted until `at` (UTC), and refuse those tokens from now on.

        No seat means every seat of the room.
        """
        self._closures.close(room, seat, at)
        for stream in list(self.streams.values()):
            publisher = stream.publisher
            if publisher is not None and self._closures.cover(publisher.token):
                self.end(publisher, "the seat was closed")

    def watch(self, person: str, room: str, seat: str, offer: Offer, line: str = "") -> tuple[Viewer, str]:
        """Open a viewer's session and return it with the answer; `line` is where a guest calls from.

        Raises `NotLive`, `Overloaded` or `TooManyRequests`.
        """
        stream = self._admit(room, seat, line)
        peer = self._open_peer(offer, keeps_handshake=False)
        viewer = self._seat_viewer(self._new_id(), person, offer.with_ssrcs(), peer, stream, line)
        return viewer, write_answer(viewer.offer, "sendonly", self._transport(peer.credentials))

    def invite(self, person: str, room: str, seat: str, line: str = "") -> tuple[Invitation, str]:
        """Return a session that waits for an answer to our offer, and the offer; raises as `watch` does."""
        self._admit(room, seat, line)
        invitation = self.invitations.add(self._new_id(), person, room, seat, line)
        return invitation, write_offer(invitation.offer, self._transport(invitation.credentials))

    def accept(self, invitation: Invitation, answer: str) -> None:
        """Open the session an answer is for; raises as `agree` and `watch` do, and then it still waits."""
        offer = agree(invitation.offer, answer)
        stream = self._admit(invitation.room, invitation.seat, invitation.line)
        self.invitations.forget(invitation)
        peer = self._open_peer(offer, keeps_handshake=False, credentials=invitation.credentials)
        self._seat_viewer(invitation.id, invitation.person, offer, peer, stream, invitation.line)

    def check(self, offer: Offer) -> tuple[Check, str]:
        """Open a trial connection and return it with the answer; raise `Overloaded`."""
        self.checks.require_room()
        peer = self._open_peer(offer, keeps_handshake=False)
        check = self.checks.add(self._new_id(), peer)
        return check, write_answer(offer.with_ssrcs(), "sendonly", self._transport(peer.credentials))

    @property
    def viewers(self) -> int:
        """How many are admitted."""
        return self._viewers_by_line.total()

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
        return write_fragment(session.offer, self._transport(session.peer.credentials))

    def end(self, session: Session, reason: str) -> None:
        """End a session; ending it twice does nothing."""
        if self.sessions.pop(session.id, None) is None:
            return
        self._ended.append(session.id)
        self._trims_due = TRIMS
        logger.info("session ended: %s", reason)
        if isinstance(session, Viewer):
            self._viewers_by_line.subtract([session.line])
            self._viewers_by_line += Counter()  # forgets lines that nobody watches from
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
                self.checks.tick(now)
                for peer in self.endpoint.peers:
                    self._tick_peer(peer, now)
            if ticks % TRIM_TICKS == 0 and self._trims_due:
                self._trims_due -= 1
                return_free_memory()

    def close(self) -> None:
        """End every session and close the socket."""
        for session in list(self.sessions.values()):
            self.end(session, "the server stops")
        self.checks.close()
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
        if publisher.token.person != person and not publisher.is_overdue(self._clock()):
            raise SeatTaken("somebody else is publishing on this seat")
        self.end(publisher, "taken over")

    def _new_id(self) -> str:
        """Return an unguessable name that tells which process has the session."""
        return f"{self._process}-{secrets.token_urlsafe(24)}"

    def _new_stream(self, room: str, seat: str, now: float) -> Stream:
        return Stream(room, seat, self.egress, self._loop.call_later, self._unix_offset, self._on_event, now)

    def _admit(self, room: str, seat: str, line: str) -> Stream:
        stream = self.streams.get((room, seat))
        if stream is None or not stream.is_live:
            raise NotLive("nothing is published on this seat at the moment")
        if self.viewers >= self.capacity.viewers:
            raise Overloaded("this server carries as many viewers as it can")
        if line and self._viewers_by_line[line] >= self.capacity.guests_per_address:
            raise TooManyRequests("too many guests watch from this address; sign in, or close some")
        return stream

    def _seat_viewer(
        self, session_id: str, person: str, offer: Offer, peer: Peer, stream: Stream, line: str
    ) -> Viewer:
        sink = Sink(_viewed(offer), peer.destination, "live")
        viewer = Viewer(session_id, person, offer, peer, sink, stream, self.end, self._clock(), line)
        peer.listen(viewer)
        self.sessions[viewer.id] = viewer
        self._viewers_by_line[line] += 1
        return viewer

    def _open_peer(
        self, offer: Offer, *, keeps_handshake: bool, credentials: Credentials | None = None
    ) -> Peer:
        self._trims_due = TRIMS
        return self.endpoint.open_peer(
            offer.fingerprints,
            is_dtls_client=offer.makes_us_dtls_client,
            keeps_handshake=keeps_handshake,
            credentials=credentials,
        )

    def _transport(self, credentials: Credentials) -> Transport:
        endpoint = self.endpoint
        return Transport(
            credentials, endpoint.identity.fingerprint, self._advertise, endpoint.port, endpoint.takes_tcp
        )


def _published(offer: Offer) -> list[PublishedFormat]:
    return [
        PublishedFormat(
            media.kind, media.payload_type, media.rtx_payload_type, "nack" in media.feedback, media.rids
        )
        for media in offer.media
    ]


def _viewed(offer: Offer) -> list[ViewedFormat]:
    return [_viewed_format(media) for media in offer.media]


def _viewed_format(media: AgreedMedia) -> ViewedFormat:
    return ViewedFormat(
        media.kind, media.payload_type, media.ssrc, media.rtx_payload_type, media.rtx_ssrc or None
    )


def _extensions(offer: Offer) -> Extensions:
    """Return the numbers that packets of one BUNDLE group share."""

    def number(uri: str) -> int | None:
        return next((found for media in offer.media if (found := media.extension(uri)) is not None), None)

    return Extensions(number(TRANSPORT_CC), number(RID), number(REPAIRED_RID))
