"""What happens to a stream, as the gateway is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EventType = Literal["stream.started", "stream.alive", "stream.stalled", "stream.resumed", "stream.ended"]
"""`stream.alive` repeats now and then that a stream is on, `stream.stalled` that nothing comes of it still;
the answer tells whether it still may be."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something happened to one incarnation of a seat's stream; `at_ms` is UTC."""

    type: EventType
    room: str
    seat: str
    stream: str
    at_ms: int
    person: str = ""
    """Who publishes."""
