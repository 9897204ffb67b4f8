"""H264 in RTP (RFC 6184), as far as a forwarder has to look: where a keyframe begins."""

from __future__ import annotations

from collections.abc import Iterator

IDR = 5
SPS = 7
STAP_A = 24
FU_A = 28
TYPE = 0x1F
FU_START = 0x80


def starts_keyframe(payload: bytes) -> bool:
    """Tell whether a decoder can start with this payload: it opens an IDR picture or brings an SPS."""
    return any(kind in (SPS, IDR) for kind in _nal_units_begun(payload))


def _nal_units_begun(payload: bytes) -> Iterator[int]:
    if not payload:
        return
    kind = payload[0] & TYPE
    if kind == STAP_A:
        yield from _aggregated(payload)
    elif kind == FU_A:
        if len(payload) > 1 and payload[1] & FU_START:
            yield payload[1] & TYPE
    else:
        yield kind


def _aggregated(payload: bytes) -> Iterator[int]:
    at = 1
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        yield payload[at + 2] & TYPE
        at += 2 + size
