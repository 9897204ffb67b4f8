"""Thousands of sockets in one thread that cost little: raw sockets, epoll, and no more parsing than needed.

A line reads frame headers only, to count frames and to answer pings; a few *sampled* lines read everything.
Frames that lines send are built once, with a masking key of zeros, and shared.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

import orjson

from loadtests.agenda import Agenda
from loadtests.framing import UNMASKED, FrameCounter, FrameReader, Opcode, client_frame
from loadtests.handshake import HEAD_END, JSON, HandshakeFailed, check_response, new_key, opening_request
from loadtests.loopback import bind_source

BUFFER_BYTES = 256 * 1024
EVENTS = 4096
OPEN_AT_ONCE = 128
"""Lines whose handshake may be under way together."""
PATIENCE_SECONDS = 60.0

PONG = client_frame(Opcode.PONG, b"", UNMASKED)
GOODBYE = client_frame(Opcode.CLOSE, b"", UNMASKED)

Message = dict[str, Any]
Hear = Callable[["Line", Message], None]


class SinkFailed(Exception):
    """Lines did not open, or were lost, where all are needed."""


class Stage(IntEnum):
    """How far a line is."""

    CONNECTING = 0
    UPGRADING = 1
    JOINING = 2
    OPEN = 3
    LOST = 4


def text_frame(message: Message) -> bytes:
    """A message as a frame that any line can send."""
    return client_frame(Opcode.TEXT, orjson.dumps(message), UNMASKED)


class Line:
    """One connection. Without ``join`` it is bare TCP; an empty ``join`` means: only the handshake."""

    __slots__ = (
        "address",
        "counter",
        "fd",
        "head",
        "join",
        "key",
        "number",
        "reader",
        "sampled",
        "sock",
        "stage",
    )

    def __init__(
        self,
        number: int,
        join: bytes | None = None,
        *,
        sampled: bool = False,
        address: tuple[str, int] | None = None,
    ) -> None:
        self.number = number
        self.join = join
        self.sampled = sampled
        self.address = address
        """Another server than the sink's."""
        self.sock: socket.socket = None  # type: ignore[assignment] # set when it connects
        self.fd = -1
        self.stage = Stage.LOST
        self.key = ""
        self.head = b""
        self.renew()

    def renew(self) -> None:
        """Nothing has been received yet."""
        self.counter = FrameCounter()
        self.reader = FrameReader() if self.sampled else None


class Sink:
    """Many lines to one server; ``hear`` gets what sampled lines receive, decoded."""

    def __init__(
        self,
        address: tuple[str, int],
        path: str = "",
        hear: Hear | None = None,
        subprotocol: str = JSON,
    ) -> None:
        self._subprotocol = subprotocol
        self._address = address
        self._path = path
        self._hear = hear
        self._epoll = select.epoll()
        self._by_fd: dict[int, Line] = {}
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._opening: set[Line] = set()
        self.agenda = Agenda()
        """What else happens while the sink runs; times of ``time.monotonic``."""
        self.frames = 0
        self.bytes = 0
        self.lost = 0

    # ------------------------------------------------------------ opening

    def open(self, lines: Iterable[Line], at_once: int = OPEN_AT_ONCE) -> None:
        """Connects lines and returns when all are open (a first frame has come, if they join).

        Raises:
            SinkFailed: some were lost, or nothing has happened for a minute.
        """
        wanted = list(lines)
        self.try_to_open(wanted, at_once)
        lost = sum(line.stage is Stage.LOST for line in wanted)
        if lost:
            raise SinkFailed(f"{lost} lines did not open")

    def try_to_open(self, lines: Iterable[Line], at_once: int = OPEN_AT_ONCE) -> None:
        """The same for lines of which some may be turned away; those are lost then.

        Raises:
            SinkFailed: nothing has happened for a minute.
        """
        waiting = list(lines)[::-1]
        progress, deadline = len(waiting), time.monotonic() + PATIENCE_SECONDS
        while waiting or self._opening:
            while waiting and len(self._opening) < at_once:
                self._connect(waiting.pop())
            self._pump(0.1)
            left = len(waiting) + len(self._opening)
            if left < progress:
                progress, deadline = left, time.monotonic() + PATIENCE_SECONDS
            elif time.monotonic() > deadline:
                raise SinkFailed(f"{left} lines did not open")

    def reopen(self, line: Line) -> None:
        """Begins to connect a line again; what becomes of it shows while the sink runs.

        Raises:
            SinkFailed: nobody listens.
        """
        self._connect(line)

    def _connect(self, line: Line) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bind_source(sock, line.number)
        problem = sock.connect_ex(line.address or self._address)
        if problem not in (0, errno.EINPROGRESS):
            sock.close()
            raise SinkFailed(os.strerror(problem))
        line.sock, line.fd, line.stage = sock, sock.fileno(), Stage.CONNECTING
        line.renew()
        self._by_fd[line.fd] = line
        self._opening.add(line)
        self._epoll.register(line.fd, select.EPOLLOUT)

    def _connected(self, line: Line) -> None:
        problem = line.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self._lose(line)
            return
        self._epoll.modify(line.fd, select.EPOLLIN)
        if line.join is None:
            self._opened(line)
            return
        line.key = new_key()
        line.stage = Stage.UPGRADING
        line.sock.send(
            opening_request("{}:{}".format(*self._address), self._path, line.key, self._subprotocol)
        )

    def _upgrade(self, line: Line, received: bytes) -> bytes:
        """Takes the response's head; returns what follows it."""
        line.head += received
        if HEAD_END not in line.head:
            return b""
        head, _, rest = line.head.partition(HEAD_END)
        line.head = b""
        try:
            check_response(head, line.key, self._subprotocol)
        except HandshakeFailed:
            self._lose(line)
            return b""
        if line.join:
            line.stage = Stage.JOINING
            line.sock.send(line.join)
        else:
            self._opened(line)
        return rest

    def _opened(self, line: Line) -> None:
        line.stage = Stage.OPEN
        self._opening.discard(line)

    # ------------------------------------------------------------ running

    def run(self, seconds: float) -> None:
        """Receives, and does what is on the agenda, for a while."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for deed in self.agenda.take_due(now):
                deed()
            self._pump(max(0.0, min(self.agenda.next_at(end), now + 0.1) - now))

    def run_until(self, done: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Runs until something is true.

        Raises:
            SinkFailed: it does not become true.
        """
        deadline = time.monotonic() + patience_seconds
        while not done():
            if time.monotonic() > deadline:
                raise SinkFailed("waited in vain")
            self.run(0.02)

    def every(self, seconds: float, deed: Callable[[], None]) -> None:
        """Puts a deed on the agenda again and again; late ones are caught up."""

        def do_at(due: float) -> None:
            self.agenda.plan(due + seconds, lambda: do_at(due + seconds))
            deed()

        first = time.monotonic() + seconds
        self.agenda.plan(first, lambda: do_at(first))

    def send(self, line: Line, frame: bytes) -> None:
        """Sends a frame; one that the kernel does not take at once is lost with its line."""
        try:
            if line.sock.send(frame) != len(frame):
                self._lose(line)
        except OSError:
            self._lose(line)

    def _pump(self, timeout: float) -> None:
        by_fd, view, readv = self._by_fd, (self._view,), os.readv
        for fd, _ in self._epoll.poll(timeout, EVENTS):
            line = by_fd.get(fd)
            if line is None:
                continue  # hung up a moment ago
            if line.stage is Stage.CONNECTING:
                self._connected(line)
                continue
            try:
                size = readv(fd, view)
            except BlockingIOError:
                continue
            except OSError:
                size = 0
            if size:
                self._take(line, size)
            else:
                self._lose(line)

    def _take(self, line: Line, size: int) -> None:
        if line.stage is Stage.UPGRADING:
            rest = self._upgrade(line, bytes(self._view[:size]))
            size = len(rest)
            self._buffer[:size] = rest
        self.bytes += size
        before = line.counter.frames
        line.counter.feed(self._buffer, size)
        self.frames += line.counter.frames - before
        while line.counter.pings:
            line.counter.pings -= 1
            self.send(line, PONG)
        if line.reader is not None:
            self._read(line, line.reader, bytes(self._view[:size]))
        if line.counter.close_code:  # as every client does: answers the goodbye
            self.send(line, GOODBYE)
            self._lose(line)
        elif line.stage is Stage.JOINING and line.counter.frames:
            self._opened(line)

    def _read(self, line: Line, reader: FrameReader, received: bytes) -> None:
        for frame in reader.feed(received):
            if frame.opcode is Opcode.TEXT and self._hear is not None:
                for message in orjson.loads(frame.payload):
                    self._hear(line, message)

    # ------------------------------------------------------------ closing

    def _lose(self, line: Line) -> None:
        if line.stage is not Stage.LOST:
            self.lost += 1
            self.cut(line)

    def cut(self, line: Line) -> None:
        """Hangs up without a word; the line can be opened again."""
        if line.stage is Stage.LOST:
            return
        line.stage = Stage.LOST
        self._opening.discard(line)
        del self._by_fd[line.fd]
        line.sock.close()

    def close(self) -> None:
        """Hangs up everything."""
        for line in list(self._by_fd.values()):
            self.cut(line)
        self._epoll.close()
