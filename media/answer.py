"""Answers, offers of ours, and the fragments that follow them (RFC 8829, 8839, 8840)."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from media.endpoint.peer import Credentials
from media.sdp import READ_EXTENSIONS, TRANSPORT_CC, AgreedMedia, Direction, Offer, RejectedMedia

HOST_PRIORITY = 2_130_706_431
TCP_PRIORITY = 1_518_280_447
#: Chromium starts at 300 kbit/s otherwise, and shows a blur for the first seconds.
START_BITRATE = "x-google-start-bitrate=2000"


@dataclass(frozen=True, slots=True)
class Transport:
    """Our side of the connection as it is written into an answer."""

    credentials: Credentials
    fingerprint: str
    addresses: Sequence[str]
    port: int
    takes_tcp: bool = False


def write_answer(offer: Offer, ours: Direction, transport: Transport) -> str:
    """Return the SDP answer to an offer."""
    return _write(offer, ours, transport, "active" if offer.makes_us_dtls_client else "passive")


def write_offer(offer: Offer, transport: Transport) -> str:
    """Return an offer of ours to send."""
    return _write(offer, "sendonly", transport, "actpass")


def _write(offer: Offer, ours: Direction, transport: Transport, setup: str) -> str:
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {_bundled(offer)}",
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    for section in offer.sections:
        if isinstance(section, RejectedMedia):
            lines += _rejected_lines(section)
        else:
            lines += _media_lines(section, ours, transport, setup)
    return "\r\n".join(lines) + "\r\n"


def write_fragment(offer: Offer, transport: Transport) -> str:
    """Return the body that answers an ICE restart (RFC 8840 §9)."""
    lines = ["a=ice-lite", f"a=group:BUNDLE {_bundled(offer)}"]
    for section in offer.media:
        lines += [f"m={section.kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{section.mid}"]
        lines += [*_ice_lines(transport), *_candidate_lines(transport), "a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"


def _bundled(offer: Offer) -> str:
    return " ".join(section.mid for section in offer.media)


def _ice_lines(transport: Transport) -> list[str]:
    return [f"a=ice-ufrag:{transport.credentials.ufrag}", f"a=ice-pwd:{transport.credentials.password}"]


def _candidate_lines(transport: Transport) -> list[str]:
    lines = [
        f"a=candidate:{index + 1} 1 udp {HOST_PRIORITY - 256 * index} {address} {transport.port} typ host"
        for index, address in enumerate(transport.addresses)
    ]
    if transport.takes_tcp:
        first = len(lines) + 1
        lines += [
            f"a=candidate:{first + index} 1 tcp {TCP_PRIORITY - 256 * index} {address} {transport.port} "
            "typ host tcptype passive"
            for index, address in enumerate(transport.addresses)
        ]
    return lines


def _rejected_lines(section: RejectedMedia) -> list[str]:
    lines = [f"m={section.kind} 0 {section.profile} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return lines + ([f"a=mid:{section.mid}"] if section.mid else [])


def _media_lines(section: AgreedMedia, ours: Direction, transport: Transport, setup: str) -> list[str]:
    formats = [str(section.payload_type)]
    if section.rtx_payload_type is not None:
        formats.append(str(section.rtx_payload_type))
    host = transport.addresses[0]
    family = ipaddress.ip_address(host).version
    lines = [
        f"m={section.kind} {transport.port} UDP/TLS/RTP/SAVPF {' '.join(formats)}",
        f"c=IN IP{family} {host}",
        f"a=rtcp:{transport.port} IN IP{family} {host}",
        *_ice_lines(transport),
        f"a=fingerprint:{transport.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{section.mid}",
        f"a={ours}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += _codec_lines(section, ours)
    lines += _receiving_lines(section) if ours == "recvonly" else _sending_lines(section)
    return [*lines, *_candidate_lines(transport), "a=end-of-candidates"]


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
    else:
        wanted.append("goog-remb")
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in wanted if feedback in section.feedback]
    if section.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{section.rtx_payload_type} rtx/90000")
        lines.append(f"a=fmtp:{section.rtx_payload_type} apt={number}")
    return lines


def _receiving_lines(section: AgreedMedia) -> list[str]:
    wanted = READ_EXTENSIONS if section.rids else (TRANSPORT_CC,)
    lines = [f"a=extmap:{number} {uri}" for uri, number in section.extensions if uri in wanted]
    lines += [f"a=rid:{rid} recv" for rid in section.rids]
    return lines + ([f"a=simulcast:recv {';'.join(section.rids)}"] if section.rids else [])


def _sending_lines(section: AgreedMedia) -> list[str]:
    lines = [f"a=msid:live {section.kind}"]
    ssrcs = [section.ssrc]
    if section.rtx_payload_type is not None:
        ssrcs.append(section.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}")
    for ssrc in ssrcs:
        lines += [f"a=ssrc:{ssrc} cname:live", f"a=ssrc:{ssrc} msid:live {section.kind}"]
    return lines
