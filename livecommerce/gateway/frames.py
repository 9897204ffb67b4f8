"""Frames (RFC 6455 §5.2): the server's own, and the plain ones among a client's.

Nearly all that clients send are whole, final, masked, short text or binary frames, and pongs. Those are read
here, at a third of what a parser for everything costs; all others are left to websockets' parser.
"""

from __future__ import annotations

from typing import NamedTuple

from websockets.frames import Opcode, apply_mask  # type: ignore[attr-defined] # the fastest that is there

TEXT, BINARY, PONG = 0x80 | Opcode.TEXT, 0x80 | Opcode.BINARY, 0x80 | Opcode.PONG
"""First byte of a complete frame."""
_PLAIN = {TEXT: True, BINARY: True, PONG: False}
MASKED = 0x80


class Plain(NamedTuple):
    """A client's frame that needed no parser."""

    payload: bytes
    is_message: bool
    """Otherwise it is a pong."""
    end: int
    """Where the next one begins."""


def plain_frame(data: bytes, start: int, most: int) -> Plain | None:
    """The frame that begins there, with up to so many bytes; ``None`` if it is not plain, or not whole."""
    if len(data) - start < 6:
        return None
    is_message = _PLAIN.get(data[start])
    length = data[start + 1] ^ MASKED
    head = start + 2
    if length == 126 and is_message:
        length = int.from_bytes(data[head : head + 2], "big")
        head += 2
        if length < 126:
            return None
    elif length > 125:
        return None
    body = head + 4
    end = body + length
    if is_message is None or length > most or end > len(data):
        return None
    return Plain(apply_mask(data[body:end], data[head:body]), is_message, end)


def frame(first_byte: int, payload: bytes) -> bytes:
    """A server's frame: no mask, one fragment."""
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65_536:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload
