"""The opening handshake (RFC 6455 §4.2) of a request that httptools has read already.

A request as browsers and libraries send it is answered here; one that differs in anything is left to
websockets' own reading. What is accepted here is accepted there too, with the same answer.
"""

from __future__ import annotations

import hashlib
import logging
import re
from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from livecommerce.gateway.encodings import ENCODINGS

MAX_HEADERS = 128
MAX_HEADER_BYTES = 8 * 1024
"""Of a name and its value."""

MAX_INBOUND_BYTES = 8 * 1024
"""Of a message."""
VERSION = "13"
"""Of the WebSocket protocol."""

_KEY = re.compile(rb"[0-9A-Za-z+/]{22}==")
_SUBPROTOCOLS = [Subprotocol(name) for name in ENCODINGS]
_CONNECTIONS = (b"Upgrade", b"upgrade", b"keep-alive, Upgrade")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

parser_log = logging.getLogger(__name__)
parser_log.setLevel(logging.WARNING)
"""Never finer: the parser would write tokens and comments into the log, frame by frame."""


class Opening(Struct):
    """A request for a socket."""

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case."""

    def header(self, name: bytes) -> str:
        """A header's value, all of them joined if it came more than once."""
        return b",".join(value for known, value in self.headers if known == name).decode("latin-1")

    def fits(self) -> bool:
        """Whether there is no more of it than a handshake needs."""
        if len(self.headers) > MAX_HEADERS or len(self.path) > MAX_HEADER_BYTES:
            return False
        return all(len(name) + len(value) <= MAX_HEADER_BYTES for name, value in self.headers)

    def as_request(self) -> Request:
        """The same in websockets' words."""
        headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers])
        return Request(self.path, headers, self.method)


def plain_answer(opening: Opening) -> tuple[bytes, str] | None:
    """The response that opens the socket, and the subprotocol (or none) that it names.

    ``None``: the request is not of the plain kind.
    """
    headers = dict(opening.headers)
    if opening.method != "GET" or len(headers) != len(opening.headers):
        return None
    key = headers.get(b"sec-websocket-key", b"")
    offered = headers.get(b"sec-websocket-protocol")
    subprotocol = "" if offered is None else offered.decode("latin-1")
    if (
        headers.get(b"connection") not in _CONNECTIONS
        or headers.get(b"upgrade", b"").lower() != b"websocket"
        or headers.get(b"sec-websocket-version") != VERSION.encode()
        or not _KEY.fullmatch(key)
        or (offered is not None and subprotocol not in ENCODINGS)
    ):
        return None
    return _response(key, subprotocol.encode()), subprotocol


def thorough_answer(opening: Opening, library: ServerProtocol) -> Response:
    """What websockets answers, whatever the request looks like."""
    if opening.header(b"sec-websocket-version") not in ("", VERSION):
        refusal = library.reject(426, f"This server speaks version {VERSION} of the protocol.\n")
        refusal.headers["Sec-WebSocket-Version"] = VERSION
        return refusal
    return library.accept(opening.as_request())


def handshaking() -> ServerProtocol:
    """websockets' side of a handshake that has not been answered."""
    return ServerProtocol(
        subprotocols=_SUBPROTOCOLS,
        select_subprotocol=_select_subprotocol,
        max_size=MAX_INBOUND_BYTES,
        logger=parser_log,
    )


def _select_subprotocol(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name in ENCODINGS), None)


def _response(key: bytes, subprotocol: bytes) -> bytes:
    accept = b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    named = b"Sec-WebSocket-Protocol: " + subprotocol + b"\r\n" if subprotocol else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + named + b"\r\n"
    )
