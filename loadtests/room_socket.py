"""A client of the room socket on a blocking TCP socket; under gevent, blocking means that others run."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections import deque
from typing import Any

from loadtests.framing import BadFrame, Frame, FrameReader, Opcode, client_frame
from loadtests.handshake import HEAD_END, check_response, new_key, opening_request
from loadtests.loopback import bind_source, require_loopback

CONNECT_SECONDS = 10.0
RECEIVE_BYTES = 64 * 1024
NORMAL = 1000

Message = dict[str, Any]


class ConnectionLost(Exception):
    """The connection is gone; ``code`` is the server's reason, or 1006 where it gave none."""

    def __init__(self, code: int = 1006) -> None:
        super().__init__(f"close code {code}")
        self.code = code

    @property
    def may_return(self) -> bool:
        """Whether the server lets this client connect again."""
        return self.code < 4500


class RoomSocket:
    """One open socket to one room, speaking JSON. Not for several greenlets at once, except ``send``."""

    def __init__(self, host: str, room: str, client_number: int = 0) -> None:
        address = require_loopback(host)
        self._reader = FrameReader()
        self._waiting: deque[Message] = deque()
        self._lost: ConnectionLost | None = None
        """Why there is nothing after what is waiting: a hint comes in one piece with the close after it."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(CONNECT_SECONDS)
            bind_source(self._socket, client_number)
            self._socket.connect(address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open(f"{address[0]}:{address[1]}", room)
        except BaseException:
            self._socket.close()
            raise

    def _open(self, authority: str, room: str) -> None:
        key = new_key()
        self._socket.sendall(opening_request(authority, f"/ws/{room}", key))
        head = b""
        while HEAD_END not in head:
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionLost
            head += received
        head, _, rest = head.partition(HEAD_END)
        check_response(head, key)
        self._take(rest)

    def send(self, **message: Any) -> None:
        """Sends one message.

        Raises:
            ConnectionLost: the connection is gone; the message may have arrived.
        """
        self._write(client_frame(Opcode.TEXT, json.dumps(message, separators=(",", ":")).encode()))

    def send_rubbish(self, payload: bytes) -> None:
        """Sends a text frame of anything."""
        self._write(client_frame(Opcode.TEXT, payload))

    def _write(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except OSError as error:
            raise ConnectionLost from error

    def receive(self, until: float) -> Message | None:
        """The next message, or ``None`` when ``until`` (of ``time.monotonic``) comes first.

        Raises:
            ConnectionLost: with the server's close code.
        """
        while not self._waiting:
            if self._lost is not None:
                raise self._lost
            seconds = until - time.monotonic()
            if seconds <= 0 or not self._readable(seconds):
                return None
            try:
                received = self._socket.recv(RECEIVE_BYTES)
            except OSError as error:
                raise ConnectionLost from error
            if not received:
                raise ConnectionLost
            self._take(received)
        return self._waiting.popleft()

    def _readable(self, seconds: float) -> bool:
        try:
            return bool(select.select([self._socket], [], [], seconds)[0])
        except (OSError, ValueError) as error:
            raise ConnectionLost from error

    def _take(self, received: bytes) -> None:
        try:
            for frame in self._reader.feed(received):
                self._handle(frame)
        except BadFrame:
            self._lost = ConnectionLost(1002)
        except ConnectionLost as lost:
            self._lost = lost

    def _handle(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT:
                self._waiting.extend(json.loads(frame.payload))
            case Opcode.PING:
                self._write(client_frame(Opcode.PONG, frame.payload))
            case Opcode.CLOSE:
                raise ConnectionLost(frame.close_code)
            case _:
                raise ConnectionLost(1003)

    def close(self) -> None:
        """Says goodbye and hangs up."""
        with contextlib.suppress(OSError):
            self._socket.sendall(client_frame(Opcode.CLOSE, NORMAL.to_bytes(2)))
        self._socket.close()

    def cut(self) -> None:
        """Hangs up without a word, as a lost network does."""
        self._socket.close()
