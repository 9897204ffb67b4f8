"""Prometheus text of one media process (exposition format 0.0.4)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from media.forwarder import Forwarder
from media.publisher import Publisher
from media.stream import Stream

Sample = tuple[str, float]
Metric = tuple[str, str, str, Iterable[Sample]]


def render(forwarder: Forwarder) -> str:
    """Return all metrics."""
    lines: list[str] = []
    for name, kind, meaning, samples in (*_of_process(forwarder), *_of_streams(forwarder)):
        lines += [f"# HELP media_{name} {meaning}", f"# TYPE media_{name} {kind}"]
        lines += [f"media_{name}{labels} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _of_process(forwarder: Forwarder) -> Iterator[Metric]:
    endpoint, egress = forwarder.endpoint, forwarder.egress
    live = sum(stream.is_live for stream in forwarder.streams.values())
    values: list[tuple[str, str, str, float]] = [
        ("streams", "gauge", "Streams with media flowing.", live),
        ("sessions", "gauge", "Open sessions.", len(forwarder.sessions)),
        ("viewers_admitted", "gauge", "Viewers, against what may be admitted.", forwarder.viewers),
        ("viewers_capacity", "gauge", "Viewers before WHEP answers 503.", forwarder.capacity.viewers),
        ("tcp_connections", "gauge", "Clients connected over TCP.", len(endpoint.tcp.connections)),
        ("egress_native", "gauge", "1 where packets are sent by compiled code.", float(egress.is_native)),
        ("checks", "gauge", "Trial connections.", len(forwarder.checks)),
        ("sent_packets_total", "counter", "RTP packets sent.", egress.sent),
        ("dropped_packets_total", "counter", "RTP packets not sent.", egress.dropped),
        ("malformed_datagrams_total", "counter", "No STUN, DTLS or RTP.", endpoint.malformed),
        ("tasks", "gauge", "Tasks of the event loop.", len(asyncio.all_tasks())),
        ("cpu_seconds_total", "counter", "CPU used by this process.", time.process_time()),
        ("resident_bytes", "gauge", "Memory of this process.", _resident_bytes()),
    ]
    for name, kind, meaning, value in values:
        yield name, kind, meaning, [("", value)]
    drains = endpoint.drains
    yield (
        "drain_seconds",
        "summary",
        "From a readable socket to all packets of it sent on.",
        [("_sum", drains.seconds), ("_count", drains.count)],
    )
    yield (
        "drain_seconds_longest",
        "gauge",
        "The longest drain since the last look.",
        [("", drains.take_longest())],
    )


def _of_streams(forwarder: Forwarder) -> Iterator[Metric]:
    streams = [(_labels(stream), stream) for stream in forwarder.streams.values()]
    published = [(labels, stream.publisher) for labels, stream in streams if stream.publisher]
    yield "viewers", "gauge", "Viewers.", [(labels, len(stream.viewers)) for labels, stream in streams]
    yield "layer_viewers", "gauge", "Viewers of each layer of the picture.", _by_layer(forwarder)
    yield from _received(published)
    sent = {
        "stream_sent_packets_total": ("RTP packets handed to the socket for viewers.", "sent_packets"),
        "stream_sent_bytes_total": ("Bytes of their payloads.", "sent_octets"),
        "retransmitted_packets_total": ("Packets sent again to viewers.", "retransmitted"),
        "viewer_nacks_total": ("Packets that viewers asked for again.", "nacked"),
        "viewer_keyframe_requests_total": ("PLIs and FIRs of viewers.", "keyframes_wanted"),
    }
    for name, (meaning, attribute) in sent.items():
        samples = [(labels, float(getattr(stream, attribute))) for labels, stream in streams]
        yield name, "counter", meaning, samples


def _received(published: list[tuple[str, Publisher]]) -> Iterator[Metric]:
    sources = [(labels, publisher.source) for labels, publisher in published]
    received = {
        "received_packets_total": ("counter", "RTP packets of the current publisher.", "packets"),
        "received_bytes_total": ("counter", "Bytes of RTP of the current publisher.", "octets"),
        "lost_packets": ("gauge", "Packets of the publisher that never came.", "lost"),
        "nacked_packets_total": ("counter", "Packets asked for again of the publisher.", "nacked"),
        "keyframes_requested_total": ("counter", "PLIs to the current publisher.", "keyframes_requested"),
    }
    for name, (kind, meaning, attribute) in received.items():
        yield name, kind, meaning, [(labels, float(getattr(source, attribute))) for labels, source in sources]


def _by_layer(forwarder: Forwarder) -> list[Sample]:
    return [
        (_labels(stream, layer=str(layer)), len(channel.live))
        for stream in forwarder.streams.values()
        for (kind, layer), channel in stream.channels.items()
        if kind == "video"
    ]


def _labels(stream: Stream, **more: str) -> str:
    labels = {"room": stream.room, "seat": stream.seat, **more}
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident_bytes() -> float:
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0.0
