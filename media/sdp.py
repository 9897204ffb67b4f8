"""Offers and answers (RFC 8829, 9143, 8839, 8842): what is agreed with a publisher or a viewer."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aiortc.sdp import MediaDescription, SessionDescription

from media.endpoint.peer import Credentials
from media.errors import MalformedOffer, UnacceptableOffer
from media.track import Kind

Direction = Literal["sendonly", "recvonly"]

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
HOST_PRIORITY = 2_130_706_431
#: H264 profiles as their first two bytes, the one that most decoders take first.
PROFILE_PREFERENCE = ("42e0", "42c0", "4200", "4d00", "4d40", "6400", "640c")
START_BITRATE = "x-google-start-bitrate=2000"
OPPOSITE: dict[Direction, Direction] = {"sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True, slots=True)
class AgreedMedia:
    """One media section that is served; numbers are the offer's."""

    kind: Kind
    mid: str
    payload_type: int
    codec: str
    parameters: str
    rtx_payload_type: int | None
    feedback: frozenset[str]
    twcc_extension: int | None
    ssrc: int = 0
    rtx_ssrc: int = 0


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


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side of the connection as it is written into an answer."""

    credentials: Credentials
    fingerprint: str
    addresses: Sequence[str]
    port: int


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
    offer = Offer(sections, *_security(session))
    _check(session, offer)
    return offer


def write_answer(offer: Offer, ours: Direction, transport: Transport) -> str:
    """Return the SDP answer to an offer."""
    bundled = " ".join(section.mid for section in offer.media)
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {bundled}",
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    for section in offer.sections:
        if isinstance(section, RejectedMedia):
            lines += _rejected_lines(section)
        else:
            lines += _media_lines(section, offer, ours, transport)
    return "\r\n".join(lines) + "\r\n"


def candidate_lines(transport: Transport) -> list[str]:
    """Return our candidates; the first address is the preferred one."""
    return [
        f"a=candidate:{index + 1} 1 udp {HOST_PRIORITY - 256 * index} {address} {transport.port} typ host"
        for index, address in enumerate(transport.addresses)
    ]


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
            return _agreed(media, "audio", codec.payloadType, "opus/48000/2")
    raise UnacceptableOffer("no audio codec in common: choose Opus")


def _agree_video(media: MediaDescription) -> AgreedMedia:
    found: list[tuple[int, int]] = []
    for codec in media.rtp.codecs:
        if codec.mimeType.lower() != "video/h264":
            continue
        parameters = _parameters(media, codec.payloadType)
        if parameters.get("packetization-mode") == "1":
            profile = parameters.get("profile-level-id", "42e01f")[:4].lower()
            found.append((_rank(profile), codec.payloadType))
    if not found:
        raise UnacceptableOffer("no video codec in common: choose H264 with packetization-mode=1")
    return _agreed(media, "video", min(found, key=lambda ranked: ranked[0])[1], "H264/90000")


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
        rtx_payload_type=_rtx(media, payload_type),
        feedback=_feedback(media, payload_type),
        twcc_extension=extensions.get(TRANSPORT_CC),
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
    streams = {media.msid.split()[0] for media in session.media if media.msid} - {"-"}
    if len(streams) > 1:
        raise UnacceptableOffer("all tracks must be in one MediaStream")
    bundled = {str(item) for group in session.group if group.semantic == "BUNDLE" for item in group.items}
    if len(offer.media) > 1 and not bundled.issuperset(section.mid for section in offer.media):
        raise UnacceptableOffer("all media sections must be in one BUNDLE group")
    for media in session.media:
        if media.port and media.kind in ("audio", "video") and not media.rtcp_mux:
            raise UnacceptableOffer("rtcp-mux must be offered")
        if media.port and not media.ice.usernameFragment:
            raise UnacceptableOffer("the offer has no ICE credentials")


def _rejected_lines(section: RejectedMedia) -> list[str]:
    lines = [f"m={section.kind} 0 {section.profile} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return lines + ([f"a=mid:{section.mid}"] if section.mid else [])


def _media_lines(section: AgreedMedia, offer: Offer, ours: Direction, transport: Transport) -> list[str]:
    formats = [str(section.payload_type)]
    if section.rtx_payload_type is not None:
        formats.append(str(section.rtx_payload_type))
    host = transport.addresses[0]
    family = ipaddress.ip_address(host).version
    lines = [
        f"m={section.kind} {transport.port} UDP/TLS/RTP/SAVPF {' '.join(formats)}",
        f"c=IN IP{family} {host}",
        f"a=rtcp:{transport.port} IN IP{family} {host}",
        f"a=ice-ufrag:{transport.credentials.ufrag}",
        f"a=ice-pwd:{transport.credentials.password}",
        f"a=fingerprint:{transport.fingerprint}",
        f"a=setup:{'active' if offer.makes_us_dtls_client else 'passive'}",
        f"a=mid:{section.mid}",
        f"a={ours}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += _codec_lines(section, ours)
    lines += _receiving_lines(section) if ours == "recvonly" else _sending_lines(section)
    return [*lines, *candidate_lines(transport), "a=end-of-candidates"]


def _codec_lines(section: AgreedMedia, ours: Direction) -> list[str]:
    number = section.payload_type
    parameters = section.parameters
    if ours == "recvonly" and section.kind == "video" and "goog-remb" in section.feedback:
        parameters = ";".join(filter(None, (parameters, START_BITRATE)))
    lines = [f"a=rtpmap:{number} {section.codec}"]
    if parameters:
        lines.append(f"a=fmtp:{number} {parameters}")
    wanted = ["nack", "nack pli"]
    if ours == "recvonly":
        wanted += ["ccm fir", "transport-cc"]
    elif section.kind == "audio":
        wanted = []
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in wanted if feedback in section.feedback]
    if section.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{section.rtx_payload_type} rtx/90000")
        lines.append(f"a=fmtp:{section.rtx_payload_type} apt={number}")
    return lines


def _receiving_lines(section: AgreedMedia) -> list[str]:
    if section.twcc_extension is None:
        return []
    return [f"a=extmap:{section.twcc_extension} {TRANSPORT_CC}"]


def _sending_lines(section: AgreedMedia) -> list[str]:
    lines = [f"a=msid:live {section.kind}"]
    ssrcs = [section.ssrc]
    if section.rtx_payload_type is not None:
        ssrcs.append(section.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}")
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:live", f"a=ssrc:{ssrc} msid:live {section.kind}"]
    return lines
