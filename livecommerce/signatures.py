"""Signed messages between programs, by Standard Webhooks 1.0 (symmetric keys).

The signature covers id, timestamp and body, so that none of them can be changed or used for another.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping

TOLERANCE_SECONDS = 300
"""A message signed longer ago, or further ahead, is not believed."""


class BadSignature(Exception):
    """A message is not its alleged sender's, or too old."""


def derive_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose from the deployment's secret; the secret cannot be found from it."""
    return hmac.new(secret.encode(), f"livecommerce/{purpose}".encode(), hashlib.sha256).digest()


def media_key(purpose: str, secret: str) -> bytes:
    """The key of signed messages to (``media-control``) and from (``media-hook``) the media processes."""
    return hashlib.sha256(f"{purpose}:{secret}".encode()).digest()


def sign(key: bytes, message: str, at_ms: int, body: bytes) -> dict[str, str]:
    """The headers that go with a message; its id stays the same however often it is sent."""
    timestamp = str(at_ms // 1000)
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(key, message, timestamp, body)}",
    }


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
    """The id of a message whose signature and age are good.

    Raises:
        BadSignature: one sentence for the log.
    """
    message, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise BadSignature("the timestamp is missing")
    if abs(now_ms // 1000 - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("the message is too old, or from the future")
    expected = f"v1,{_signature(key, message, timestamp, body)}".encode()
    candidates = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, candidate) for candidate in candidates):
        raise BadSignature("the signature is wrong")
    return message


def _signature(key: bytes, message: str, timestamp: str, body: bytes) -> str:
    signed = f"{message}.{timestamp}.".encode() + body
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
