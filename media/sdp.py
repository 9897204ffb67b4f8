"""Offers (RFC 8829, 9143, 8839, 8842) and what of them is agreed with a publisher or a viewer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Literal

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from media.errors import MalformedOffer, UnacceptableOffer
from media.simulcast import MID, REPAIRED_RID, RID, offered_layers
from media.track import Kind

Direction = Literal["sendonly", "recvonly"]

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#: Header extensions that are read; others are not kept, for a thousand viewers offer them all.
READ_EXTENSIONS = (TRANSPORT_CC, MID, RID, REPAIRED_RID)
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
        return self.setup == "server"

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
    except (ValueError, AssertionError, AttributeError, IndexError, KeyError, TypeError, StopIteration):
        raise MalformedOffer("the body is not an SDP offer") from None
    if not session.media:
        raise MalformedOffer("the offer has no media section")
    sections = tuple(_section(media, theirs) for media in session.media)
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


def _section(media: MediaDescription, theirs: Direction) -> AgreedMedia | RejectedMedia:
    mid = media.rtp.muxId
    if media.port == 0 or media.kind not in ("audio", "video"):
        return RejectedMedia(media.kind, mid, media.profile, " ".join(map(str, media.fmt)))
    if media.direction not in (theirs, "sendrecv", None):
        raise UnacceptableOffer(f"the {media.kind} section is {media.direction}; it must be {theirs}")
    return _agree_audio(media) if media.kind == "audio" else _agree_video(media)


def _agree_audio(media: MediaDescription) -> AgreedMedia:
    for codec in media.rtp.codecs:
        if codec.mimeType.lower() == "audio/opus":
            return _agreed(media, "audio", _number(codec), "opus/48000/2")
    raise UnacceptableOffer("no audio codec in common: choose Opus")


def _agree_video(media: MediaDescription) -> AgreedMedia:
    found: list[tuple[int, int]] = []
    for codec in media.rtp.codecs:
        if codec.mimeType.lower() != "video/h264":
            continue
        parameters = _parameters(media, _number(codec))
        if parameters.get("packetization-mode") == "1":
            profile = parameters.get("profile-level-id", "42e01f")[:4].lower()
            found.append((_rank(profile), _number(codec)))
    if not found:
        raise UnacceptableOffer("no video codec in common: choose H264 with packetization-mode=1")
    return _agreed(media, "video", min(found, key=lambda ranked: ranked[0])[1], "H264/90000")


def _number(codec: RTCRtpCodecParameters) -> int:
    if codec.payloadType is None:
        raise MalformedOffer("a codec has no payload type")
    return codec.payloadType


def _rank(profile: str) -> int:
    return PROFILE_PREFERENCE.index(profile) if profile in PROFILE_PREFERENCE else len(PROFILE_PREFERENCE)


def _agreed(media: MediaDescription, kind: Kind, payload_type: int, codec: str) -> AgreedMedia:
    extensions = {header.uri: header.id for header in media.rtp.headerExtensions}
    return AgreedMedia(
        kind=kind,
        mid=media.rtp.muxId,
        payload_type=payload_type,
        codec=codec,
        parameters=";".join(
            f"{name}={value}" if value else name for name, value in _parameters(media, payload_type).items()
        ),
        rtx_payload_type=_rtx(media, payload_type) if kind == "video" else None,
        feedback=_feedback(media, payload_type),
        extensions=tuple((uri, extensions[uri]) for uri in READ_EXTENSIONS if uri in extensions),
    )


def _parameters(media: MediaDescription, payload_type: int) -> dict[str, str]:
    for codec in media.rtp.codecs:
        if codec.payloadType == payload_type:
            return {
                name.strip(): "" if value is None else str(value).strip()
                for name, value in codec.parameters.items()
            }
    return {}


def _rtx(media: MediaDescription, payload_type: int) -> int | None:
    for codec in media.rtp.codecs:
        if codec.mimeType.lower().endswith("/rtx") and codec.parameters.get("apt") == payload_type:
            return codec.payloadType
    return None


def _feedback(media: MediaDescription, payload_type: int) -> frozenset[str]:
    return frozenset(
        f"{feedback.type} {feedback.parameter}" if feedback.parameter else feedback.type
        for codec in media.rtp.codecs
        if codec.payloadType == payload_type
        for feedback in codec.rtcpFeedback
    )


def _security(session: SessionDescription) -> tuple[dict[str, str], str]:
    for media in session.media:
        if media.port and media.dtls is not None and media.dtls.fingerprints:
            fingerprints = {item.algorithm.lower(): item.value for item in media.dtls.fingerprints}
            return fingerprints, media.dtls.role
    raise UnacceptableOffer("the offer has no DTLS fingerprint with a setup role")


def _check(session: SessionDescription, offer: Offer) -> None:
    if not offer.media:
        raise UnacceptableOffer("the offer has neither an audio nor a video section")
    kinds = [section.kind for section in offer.media]
    if len(set(kinds)) != len(kinds):
        raise UnacceptableOffer("at most one audio and one video track are taken")
    streams = {name for media in session.media for name in (media.msid or "").split()[:1]} - {"-"}
    if len(streams) > 1:
        raise UnacceptableOffer("all tracks must be in one MediaStream")
    bundled = {str(item) for group in session.group if group.semantic == "BUNDLE" for item in group.items}
    if len(offer.media) > 1 and not bundled.issuperset(section.mid for section in offer.media):
        raise UnacceptableOffer("all media sections must be in one BUNDLE group")
    for media in session.media:
        if media.port == 0 or media.kind not in ("audio", "video"):
            continue
        if not media.rtcp_mux:
            raise UnacceptableOffer("rtcp-mux must be offered")
        if not (media.ice and media.ice.usernameFragment):
            raise UnacceptableOffer("the offer has no ICE credentials")
