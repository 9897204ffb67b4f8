"""Offers (RFC 8829, 9143, 8839, 8842) and what of them is agreed with a publisher or a viewer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Literal

from media.errors import MalformedOffer, UnacceptableOffer
from media.session_description import Codec, MediaSection, SessionDescription
from media.simulcast import MID, REPAIRED_RID, RID, offered_layers
from media.track import Kind

Direction = Literal["sendonly", "recvonly"]

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#: Header extensions that are read; others are not kept, for a thousand viewers offer them all.
READ_EXTENSIONS = (TRANSPORT_CC, MID, RID, REPAIRED_RID)
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
SETUPS = ("actpass", "active", "passive")
#: H264 profiles as their first two bytes, the one that most decoders take first.
PROFILE_PREFERENCE = ("42e0", "42c0", "4200", "4d00", "4d40", "6400", "640c")


@dataclass(frozen=True, slots=True)
class AgreedMedia:
    """One media section that is served; numbers are the offer's. More than one RID is simulcast."""

    kind: Kind
    mid: str
    payload_type: int
    codec: str
    parameters: str
    rtx_payload_type: int | None
    feedback: frozenset[str]
    ssrc: int = 0
    rtx_ssrc: int = 0
    rids: tuple[str, ...] = ()
    extensions: tuple[tuple[str, int], ...] = ()

    def extension(self, uri: str) -> int | None:
        """Return the number the offer gave a header extension."""
        return dict(self.extensions).get(uri)


@dataclass(frozen=True, slots=True)
class RejectedMedia:
    """One media section that is answered with port 0."""

    kind: str
    mid: str
    profile: str
    formats: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be served; `sections` are in its order."""

    sections: tuple[AgreedMedia | RejectedMedia, ...]
    fingerprints: dict[str, str]
    setup: str

    @property
    def media(self) -> list[AgreedMedia]:
        """The sections that are served."""
        return [section for section in self.sections if isinstance(section, AgreedMedia)]

    @property
    def makes_us_dtls_client(self) -> bool:
        """Whether the other side insists on waiting for our handshake."""
        return self.setup == "passive"

    def with_ssrcs(self) -> Offer:
        """Return the offer with SSRCs of ours, for sections that we send."""
        sections = tuple(
            replace(section, ssrc=secrets.randbits(32) or 1, rtx_ssrc=secrets.randbits(32) or 2)
            if isinstance(section, AgreedMedia)
            else section
            for section in self.sections
        )
        return replace(self, sections=sections)


def parse_offer(text: str, theirs: Direction) -> Offer:
    """Read an offer of a client that wants to send or to receive.

    Raises `MalformedOffer` where it is no SDP, `UnacceptableOffer` where it asks for what is not served.
    """
    try:
        session = SessionDescription.parse(text)
        sections = tuple(_section(media, theirs) for media in session.sections)
    except ValueError:
        raise MalformedOffer("the body is not an SDP offer") from None
    if not sections:
        raise MalformedOffer("the offer has no media section")
    if theirs == "sendonly":
        layers = [*offered_layers(text), *[()] * len(sections)]
        sections = tuple(map(_with_layers, sections, layers))
    offer = Offer(sections, *_security(session))
    _check(session, offer)
    return offer


def _with_layers(section: AgreedMedia | RejectedMedia, rids: tuple[str, ...]) -> AgreedMedia | RejectedMedia:
    """Take simulcast where packets can tell which layer they are of."""
    if not rids or isinstance(section, RejectedMedia) or section.extension(RID) is None:
        return section
    return replace(section, rids=rids)


def _section(media: MediaSection, theirs: Direction) -> AgreedMedia | RejectedMedia:
    if not _is_served(media):
        return RejectedMedia(media.kind, media.mid, media.profile, media.formats)
    directions = [name for name in DIRECTIONS if name in media.attributes]
    if directions and not {theirs, "sendrecv"}.intersection(directions):
        raise UnacceptableOffer(f"the {media.kind} section is {directions[0]}; it must be {theirs}")
    return _agree_audio(media) if media.kind == "audio" else _agree_video(media)


def _is_served(media: MediaSection) -> bool:
    return media.port != 0 and media.kind in ("audio", "video")


def _agree_audio(media: MediaSection) -> AgreedMedia:
    codec = next(media.codecs("opus"), None)
    if codec is None:
        raise UnacceptableOffer("no audio codec in common: choose Opus")
    return _agreed(media, "audio", codec, "opus/48000/2")


def _agree_video(media: MediaSection) -> AgreedMedia:
    found = [codec for codec in media.codecs("h264") if codec.parameters.get("packetization-mode") == "1"]
    if not found:
        raise UnacceptableOffer("no video codec in common: choose H264 with packetization-mode=1")
    return _agreed(media, "video", min(found, key=_rank), "H264/90000")


def _rank(codec: Codec) -> int:
    profile = codec.parameters.get("profile-level-id", "42e01f")[:4].lower()
    return PROFILE_PREFERENCE.index(profile) if profile in PROFILE_PREFERENCE else len(PROFILE_PREFERENCE)


def _agreed(media: MediaSection, kind: Kind, codec: Codec, name: str) -> AgreedMedia:
    extensions = media.extensions()
    return AgreedMedia(
        kind=kind,
        mid=media.mid,
        payload_type=codec.payload_type,
        codec=name,
        parameters=";".join(f"{name}={value}" if value else name for name, value in codec.parameters.items()),
        rtx_payload_type=_rtx(media, codec) if kind == "video" else None,
        feedback=media.feedback(codec.payload_type),
        extensions=tuple((uri, extensions[uri]) for uri in READ_EXTENSIONS if uri in extensions),
    )


def _rtx(media: MediaSection, codec: Codec) -> int | None:
    repaired = str(codec.payload_type)
    return next(
        (rtx.payload_type for rtx in media.codecs("rtx") if rtx.parameters.get("apt") == repaired), None
    )


def _security(session: SessionDescription) -> tuple[dict[str, str], str]:
    for media in session.sections:
        pairs = (value.split() for value in media.values("fingerprint"))
        fingerprints = {pair[0].lower(): pair[1] for pair in pairs if len(pair) == 2}
        setup = media.get("setup")
        if media.port and fingerprints and setup in SETUPS:
            return fingerprints, setup
    raise UnacceptableOffer("the offer has no DTLS fingerprint with a setup role")


def _check(session: SessionDescription, offer: Offer) -> None:
    if not offer.media:
        raise UnacceptableOffer("the offer has neither an audio nor a video section")
    kinds = [section.kind for section in offer.media]
    if len(set(kinds)) != len(kinds):
        raise UnacceptableOffer("at most one audio and one video track are taken")
    streams = {name for media in session.sections for name in (media.get("msid") or "").split()[:1]} - {"-"}
    if len(streams) > 1:
        raise UnacceptableOffer("all tracks must be in one MediaStream")
    if len(offer.media) > 1 and not session.bundled().issuperset(section.mid for section in offer.media):
        raise UnacceptableOffer("all media sections must be in one BUNDLE group")
    for media in filter(_is_served, session.sections):
        if media.get("rtcp-mux") is None:
            raise UnacceptableOffer("rtcp-mux must be offered")
        if not media.get("ice-ufrag"):
            raise UnacceptableOffer("the offer has no ICE credentials")
