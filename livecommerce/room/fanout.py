"""Sends one room's messages to its viewers on this gateway: encoded once, the same bytes to every socket.

A broadcast is plain calls without ``await``: nothing can come between two viewers. It writes straight
to the descriptor of every viewer whose transport holds no backlog; what the kernel does not take is
the viewer's own to queue. There is no back-pressure on the room: a slow viewer is skipped, then closed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from livecommerce.room.lanes import Lane

Encoding = str
"""Name of a wire encoding, such as ``json``."""


class Viewer(Protocol):
    """A connection as the fan-out sees it."""

    person: str
    encoding: Encoding
    fd: int
    """Where to write, or -1 while the transport must be used (backlog, TLS, closing)."""

    @property
    def backlog(self) -> int:
        """Bytes that the kernel has not taken yet."""
        ...

    def send(self, frame: bytes, lane: Lane) -> None:
        """Sends through the transport, or skips, as the lane allows."""
        ...

    def spill(self, rest: bytes) -> None:
        """Takes over what the kernel did not take of a frame; ``fd`` is -1 until it is gone."""
        ...


Encode = Callable[[Sequence[object]], bytes]
"""Messages → one complete frame."""


class Fanout:
    """The viewers of one room on this gateway."""

    def __init__(self, encoders: Mapping[Encoding, Encode]) -> None:
        self._encoders = encoders
        self._viewers: dict[Encoding, set[Viewer]] = {name: set() for name in encoders}
        self._by_person: dict[str, tuple[Viewer, ...]] = {}
        """Tuples, since nearly everybody has one tab, and a set takes 168 bytes more for it."""

    def __len__(self) -> int:
        return sum(map(len, self._viewers.values()))

    def __iter__(self) -> Iterator[Viewer]:
        for viewers in self._viewers.values():
            yield from viewers

    def add(self, viewer: Viewer) -> None:
        """Lets a viewer hear everything from now on."""
        self._viewers[viewer.encoding].add(viewer)
        others = self._by_person.get(viewer.person, ())
        if viewer not in others:
            self._by_person[viewer.person] = (*others, viewer)

    def remove(self, viewer: Viewer) -> None:
        """Forgets a viewer; one that is not here is ignored."""
        self._viewers[viewer.encoding].discard(viewer)
        others = tuple(tab for tab in self._by_person.get(viewer.person, ()) if tab is not viewer)
        if others:
            self._by_person[viewer.person] = others
        else:
            self._by_person.pop(viewer.person, None)

    def watching(self, person: str) -> bool:
        """Whether a person has a connection here."""
        return person in self._by_person

    def tabs(self, person: str) -> tuple[Viewer, ...]:
        """A person's connections here."""
        return self._by_person.get(person, ())

    def broadcast(self, lane: Lane, messages: Sequence[object], along: Sequence[object] = ()) -> None:
        """Sends messages to every viewer, as one frame.

        What is to go ``along`` comes first in it; viewers with a backlog are spared that, as the crowd's lane
        allows.
        """
        for encoding, viewers in self._viewers.items():
            if viewers:
                write_all(viewers, Broadcast(self._encoders[encoding], lane, messages, along))

    def tell(self, person: str, messages: Sequence[object]) -> None:
        """Sends messages to every tab of one person."""
        for viewer in self.tabs(person):
            viewer.send(self._encoders[viewer.encoding](messages), Lane.PERSONAL)


class Broadcast:
    """One frame for everybody, and what is left of it for those who have a backlog."""

    def __init__(
        self, encode: Encode, lane: Lane, messages: Sequence[object], along: Sequence[object] = ()
    ) -> None:
        self.frame = encode([*along, *messages])
        self._encode = encode
        self._lane = lane
        self._messages = messages
        self._along = along

    def send(self, viewer: Viewer) -> None:
        """Sends it to one who cannot be written to directly."""
        if not self._along or not viewer.backlog:
            viewer.send(self.frame, self._lane)
            return
        along, messages = self._parts
        viewer.send(along, Lane.CROWD)
        viewer.send(messages, self._lane)

    @cached_property
    def _parts(self) -> tuple[bytes, bytes]:
        return self._encode(self._along), self._encode(self._messages)


def write_all(viewers: Iterable[Viewer], broadcast: Broadcast) -> None:
    """Writes one frame to many sockets; the loop that a room's cost is made of."""
    write, frame = os.write, broadcast.frame
    size = len(frame)
    for viewer in tuple(viewers):
        fd = viewer.fd
        if fd < 0:
            broadcast.send(viewer)
            continue
        try:
            written = write(fd, frame)
        except BlockingIOError:
            written = 0
        except OSError:
            continue  # the peer is gone; the transport will say so itself
        if written != size:
            viewer.spill(frame[written:])
