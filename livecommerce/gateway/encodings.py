"""The two wire encodings: what a subprotocol name means in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from livecommerce.gateway.frames import BINARY, TEXT, frame
from livecommerce.gateway.messages.from_client import ClientMessages


class Encoding(Struct, frozen=True):
    """One way to write messages."""

    subprotocol: str
    first_byte: int
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], ClientMessages]

    def encode(self, messages: Sequence[object]) -> bytes:
        """Messages as one complete, unmasked frame."""
        return frame(self.first_byte, self.dumps(messages))

    def decode(self, payload: bytes) -> ClientMessages:
        """A frame's payload as a typed message.

        Raises:
            ValueError: it is not a message of the vocabulary.
        """
        return self.loads(payload)


_read_json = msgspec.json.Decoder(ClientMessages).decode
_read_msgpack = msgspec.msgpack.Decoder(ClientMessages).decode


def _load_json(payload: bytes) -> ClientMessages:
    """From bytes to a typed message in one pass; all text must be UTF-8, also where nobody reads it."""
    message: ClientMessages = _read_json(str(payload, "utf-8"))
    return message


JSON = Encoding("livecommerce.v1.json", TEXT, msgspec.json.Encoder().encode, _load_json)
MSGPACK = Encoding("livecommerce.v1.msgpack", BINARY, msgspec.msgpack.Encoder().encode, _read_msgpack)
ENCODINGS = {encoding.subprotocol: encoding for encoding in (JSON, MSGPACK)}
