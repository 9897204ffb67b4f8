"""The two wire encodings: what a subprotocol name means in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import msgspec
import orjson
from msgspec import Struct

from livecommerce.gateway.messages import ClientMessages, parse

TEXT, BINARY = 0x81, 0x82
"""First byte of a complete text or binary frame (RFC 6455 §5.2)."""


class Encoding(Struct, frozen=True):
    """One way to write messages."""

    subprotocol: str
    first_byte: int
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]

    def encode(self, messages: Sequence[object]) -> bytes:
        """Messages as one complete, unmasked frame."""
        return frame(self.first_byte, self.dumps(messages))

    def decode(self, payload: bytes) -> ClientMessages:
        """A frame's payload as a typed message.

        Raises:
            ValueError: it is not a message of the vocabulary.
        """
        return parse(self.loads(payload))


def frame(first_byte: int, payload: bytes) -> bytes:
    """A server's frame: no mask, one fragment (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65_536:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload


def _dump_json(messages: Any) -> bytes:
    return orjson.dumps(messages, default=msgspec.to_builtins)


def _dump_msgpack(messages: Any) -> bytes:
    packed: bytes = msgpack.packb(messages, default=msgspec.to_builtins)
    return packed


def _load_msgpack(payload: bytes) -> Any:
    try:
        return msgpack.unpackb(payload)
    except msgpack.UnpackException as error:
        raise ValueError("not MessagePack") from error


JSON = Encoding("livecommerce.v1.json", TEXT, _dump_json, orjson.loads)
MSGPACK = Encoding("livecommerce.v1.msgpack", BINARY, _dump_msgpack, _load_msgpack)
ENCODINGS = {encoding.subprotocol: encoding for encoding in (JSON, MSGPACK)}
