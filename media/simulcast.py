"""Simulcast in SDP (RFC 8853, RID RFC 8851): the layers a publisher offers to send."""

from __future__ import annotations

import re

MAX_LAYERS = 3

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

_SEND = re.compile(r"^a=simulcast:(?:recv \S+ )?send (\S+)", re.MULTILINE)
_DECLARED = re.compile(r"^a=rid:([A-Za-z0-9_-]{1,16}) send\b", re.MULTILINE)


def offered_layers(text: str) -> list[tuple[str, ...]]:
    """Return the RIDs of each media section of an offer, in its order; none where there is one layer.

    Of alternatives the first is taken, and a paused layer (`~`) counts: it may be sent later.
    """
    _, *sections = re.split(r"^m=", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    return [_layers(section) for section in sections]


def _layers(section: str) -> tuple[str, ...]:
    found = _SEND.search(section)
    if found is None:
        return ()
    declared = set(_DECLARED.findall(section))
    wanted = [stream.split(",")[0].removeprefix("~") for stream in found[1].split(";")]
    rids = tuple(dict.fromkeys(rid for rid in wanted if rid in declared))[:MAX_LAYERS]
    return rids if len(rids) > 1 else ()
