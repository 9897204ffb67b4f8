"""Offers of ours, for players whose own cannot be served (draft-ietf-wish-whep-03, 406)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from media.endpoint.peer import Credentials
from media.errors import UnacceptableOffer
from media.sdp import AgreedMedia, Offer, parse_offer

ANSWER_SECONDS = 30.0
MAX_WAITING = 1_000
_AUDIO = AgreedMedia("audio", "0", 111, "opus/48000/2", "", None, frozenset())
_VIDEO = AgreedMedia(
    "video",
    "1",
    96,
    "H264/90000",
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    97,
    frozenset({"nack", "nack pli", "goog-remb"}),
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A session that begins when its counter-offer is answered; `line` is set for guests."""

    id: str
    person: str
    room: str
    seat: str
    line: str
    expires_at: float
    offer: Offer = field(default_factory=lambda: Offer((_AUDIO, _VIDEO), {}, "actpass").with_ssrcs())
    credentials: Credentials = field(default_factory=Credentials.generate)


class Invitations:
    """Those that wait for their answer; the oldest are forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[str, Invitation] = {}

    def add(self, session_id: str, person: str, room: str, seat: str, line: str) -> Invitation:
        """Return a new one."""
        self._forget_old()
        invitation = Invitation(session_id, person, room, seat, line, self._clock() + ANSWER_SECONDS)
        self._waiting[invitation.id] = invitation
        return invitation

    def find(self, session_id: str) -> Invitation | None:
        """Return one that has not expired."""
        invitation = self._waiting.get(session_id)
        return invitation if invitation is not None and invitation.expires_at > self._clock() else None

    def forget(self, invitation: Invitation) -> None:
        """Wait for it no longer."""
        self._waiting.pop(invitation.id, None)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.expires_at > now and len(self._waiting) < MAX_WAITING:
                return
            del self._waiting[oldest.id]


def agree(ours: Offer, text: str) -> Offer:
    """Return what an answer agrees to of our offer; raise `MalformedOffer` or `UnacceptableOffer`."""
    answer = parse_offer(text, "recvonly")
    answered = {section.mid: section for section in answer.media}
    agreed = [_agree(section, answered[section.mid]) for section in ours.media if section.mid in answered]
    if not agreed:
        raise UnacceptableOffer("the answer takes none of what was offered")
    return replace(answer, sections=tuple(agreed))


def _agree(ours: AgreedMedia, theirs: AgreedMedia) -> AgreedMedia:
    if (theirs.kind, theirs.payload_type) != (ours.kind, ours.payload_type):
        raise UnacceptableOffer("an answer must keep the kinds and payload types that were offered")
    has_rtx = theirs.rtx_payload_type == ours.rtx_payload_type
    return ours if has_rtx else replace(ours, rtx_payload_type=None)
