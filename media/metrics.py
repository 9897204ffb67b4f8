"""Prometheus text of one media process (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from media.forwarder import Forwarder
from media.stream import Stream

Sample = tuple[str, float]


def render(forwarder: Forwarder) -> str:
    """Return all metrics."""
    lines: list[str] = []
    for name, kind, meaning, samples in _metrics(forwarder):
        lines += [f"# HELP media_{name} {meaning}", f"# TYPE media_{name} {kind}"]
        lines += [f"media_{name}{labels} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _metrics(forwarder: Forwarder) -> Iterator[tuple[str, str, str, Iterable[Sample]]]:
    streams = [(_labels(stream), stream) for stream in forwarder.streams.values()]
    published = [(labels, stream.publisher.source) for labels, stream in streams if stream.publisher]
    yield "streams", "gauge", "Streams with media flowing.", [("", sum(s.is_live for _, s in streams))]
    yield "sessions", "gauge", "Open sessions.", [("", len(forwarder.sessions))]
    yield "sent_packets_total", "counter", "RTP packets sent.", [("", forwarder.egress.sent)]
    yield "dropped_packets_total", "counter", "RTP packets not sent.", [("", forwarder.egress.dropped)]
    yield (
        "malformed_datagrams_total",
        "counter",
        "Datagrams that were no STUN, DTLS or RTP.",
        [("", forwarder.endpoint.malformed)],
    )
    yield "viewers", "gauge", "Viewers.", [(labels, len(stream.viewers)) for labels, stream in streams]
    yield (
        "received_packets_total",
        "counter",
        "RTP packets of the current publisher.",
        [(labels, source.packets) for labels, source in published],
    )
    yield (
        "received_bytes_total",
        "counter",
        "Bytes of RTP of the current publisher.",
        [(labels, source.octets) for labels, source in published],
    )
    yield "lost_packets", "gauge", "Packets missing.", [(labels, source.lost) for labels, source in published]
    yield (
        "nacked_packets_total",
        "counter",
        "Packets asked for again.",
        [(labels, source.nacked) for labels, source in published],
    )
    yield (
        "keyframes_requested_total",
        "counter",
        "PLIs to the current publisher.",
        [(labels, source.keyframes_requested) for labels, source in published],
    )
    yield (
        "retransmitted_packets_total",
        "counter",
        "Packets sent again to viewers.",
        [(labels, stream.retransmitted) for labels, stream in streams],
    )


def _labels(stream: Stream) -> str:
    return f'{{room="{_escaped(stream.room)}",seat="{_escaped(stream.seat)}"}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
