"""The opening handshake from a client's side (RFC 6455 §4.1), without I/O."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode

JSON = "livecommerce.v1.json"
MSGPACK = "livecommerce.v1.msgpack"

HEAD_END = b"\r\n\r\n"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeFailed(Exception):
    """The server did not open a socket; the text is its status line, or what is wrong with it."""


def new_key() -> str:
    """A fresh ``Sec-WebSocket-Key``."""
    return b64encode(secrets.token_bytes(16)).decode()


def opening_request(authority: str, path: str, key: str, subprotocol: str = JSON) -> bytes:
    """The request that asks for a socket; ``authority`` is host and port, no subprotocol asks for none."""
    asked = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        f"GET {path} HTTP/1.1\r\n"
        f"Host: {authority}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        f"{asked}"
        "\r\n"
    ).encode()


def check_response(head: bytes, key: str, subprotocol: str = JSON) -> None:
    """Makes sure that a response's head opens the socket that was asked for.

    Raises:
        HandshakeFailed: it does not.
    """
    status, *lines = head.decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1.1 101"):
        raise HandshakeFailed(status)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("sec-websocket-accept") != accept_of(key):
        raise HandshakeFailed("Sec-WebSocket-Accept is wrong")
    if headers.get("sec-websocket-protocol", "") != subprotocol:
        raise HandshakeFailed("another subprotocol was chosen")


def accept_of(key: str) -> str:
    """What a server must answer to a key."""
    return b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
