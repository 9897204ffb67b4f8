"""A client's side of WebSocket frames (RFC 6455 §5), without I/O: bytes in, frames out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import IntEnum

UNMASKED = bytes(4)
"""A masking key that changes nothing: what is framed with it can be built once and sent by many."""

_FIN, _MASKED = 0x80, 0x80


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class BadFrame(Exception):
    """The server sent what a server may not send."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One complete message, or a control frame."""

    opcode: Opcode
    payload: bytes

    @property
    def close_code(self) -> int:
        """Why the server closes (RFC 6455 §7.1.5); 1005 where it does not say."""
        return int.from_bytes(self.payload[:2]) if len(self.payload) >= 2 else 1005


def client_frame(opcode: Opcode, payload: bytes, mask: bytes | None = None) -> bytes:
    """One complete frame as a client must send it: masked, with a fresh key unless one is given."""
    key = secrets.token_bytes(4) if mask is None else mask
    size = len(payload)
    if size < 126:
        length = bytes((_MASKED | size,))
    elif size < 65_536:
        length = bytes((_MASKED | 126,)) + size.to_bytes(2)
    else:
        length = bytes((_MASKED | 127,)) + size.to_bytes(8)
    return bytes((_FIN | opcode,)) + length + key + _masked(payload, key)


def _masked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(size)


class FrameReader:
    """Cuts what a server sends into messages; fragments are joined."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._fragments = bytearray()
        self._kind: Opcode | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Takes bytes, returns what they complete.

        Raises:
            BadFrame: masked, of an unknown kind, or out of turn; the connection is of no use any more.
        """
        self._buffer += data
        frames = []
        while (parsed := self._next()) is not None:
            first, payload = parsed
            if (frame := self._assemble(first, payload)) is not None:
                frames.append(frame)
        return frames

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer[1] & _MASKED:
            raise BadFrame("a server's frame is masked")
        start, size = 2, buffer[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start])
        if len(buffer) < start + size:
            return None
        first, payload = buffer[0], bytes(buffer[start : start + size])
        del buffer[: start + size]
        return first, payload

    def _assemble(self, first: int, payload: bytes) -> Frame | None:
        try:
            opcode = Opcode(first & ~_FIN)
        except ValueError as error:
            raise BadFrame(f"first byte {first:#x}") from error
        final = bool(first & _FIN)
        if opcode >= Opcode.CLOSE:
            return Frame(opcode, payload)
        if (opcode is Opcode.CONTINUATION) != (self._kind is not None):
            raise BadFrame("a fragment out of turn")
        if final and self._kind is None:
            return Frame(opcode, payload)
        self._kind = self._kind or opcode
        self._fragments += payload
        if not final:
            return None
        whole = Frame(self._kind, bytes(self._fragments))
        self._fragments.clear()
        self._kind = None
        return whole


class FrameCounter:
    """Counts a server's messages by their headers, without looking into them: cheap enough for thousands."""

    __slots__ = ("_carry", "_skip", "close_code", "frames", "pings")

    def __init__(self) -> None:
        self.frames = 0
        """Text and binary frames whose header has arrived."""
        self.pings = 0
        """Pings that have not been answered; the caller counts them down."""
        self.close_code = 0
        self._skip = 0
        self._carry = b""

    def feed(self, buffer: bytearray, size: int) -> None:
        """Takes the first ``size`` bytes of a buffer, which the caller may then use again."""
        if self._skip >= size and not self._carry:
            self._skip -= size
            return
        data: bytes | bytearray = buffer
        position, self._skip = self._skip, 0
        if self._carry:
            data = self._carry + buffer[:size]
            size, position, self._carry = len(data), 0, b""
        while position + 2 <= size:
            start, length = position + 2, data[position + 1]
            if length >= 126:
                start += 2 if length == 126 else 8
                if start > size:
                    break
                length = int.from_bytes(data[position + 2 : start])
            self._note(data[position], data[start : start + 2])
            position = start + length
        if position < size:
            self._carry = bytes(data[position:size])
        else:
            self._skip = position - size

    def _note(self, first: int, payload_start: bytes | bytearray) -> None:
        if first == _FIN | Opcode.PING:
            self.pings += 1
        elif first == _FIN | Opcode.CLOSE:
            self.close_code = int.from_bytes(payload_start)
        else:
            self.frames += 1
