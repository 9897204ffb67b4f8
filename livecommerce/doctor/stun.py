"""A STUN binding request with short-term credentials, and its answer (RFC 8489), as ICE checks are."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct

COOKIE = 0x2112A442
REQUEST, SUCCESS = 0x0001, 0x0101
USERNAME, MESSAGE_INTEGRITY, FINGERPRINT = 0x0006, 0x0008, 0x8028
HEADER_BYTES, TRANSACTION_BYTES = 20, 12
INTEGRITY_BYTES, FINGERPRINT_BYTES = 24, 8
FINGERPRINT_XOR = 0x5354554E


def binding_request(transaction: bytes, username: str, password: str) -> bytes:
    """A check by who knows a session's user name and password."""
    user = _attribute(USERNAME, username.encode())
    head = _head(transaction, len(user) + INTEGRITY_BYTES)
    signed = user + _attribute(MESSAGE_INTEGRITY, _digest(password, head + user))
    message = _head(transaction, len(signed) + FINGERPRINT_BYTES) + signed
    checksum = binascii.crc32(message) ^ FINGERPRINT_XOR
    return message + _attribute(FINGERPRINT, struct.pack("!I", checksum))


def is_success(data: bytes, transaction: bytes, password: str) -> bool:
    """Whether this is the answer to a request, from who knows the password."""
    head = struct.pack("!I", COOKIE) + transaction
    if len(data) < HEADER_BYTES or data[:2] != struct.pack("!H", SUCCESS) or data[4:HEADER_BYTES] != head:
        return False
    at = HEADER_BYTES
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("!HH", data, at)
        if kind == MESSAGE_INTEGRITY:
            length = struct.pack("!H", at + INTEGRITY_BYTES - HEADER_BYTES)
            expected = _digest(password, data[:2] + length + data[4:at])
            return hmac.compare_digest(expected, data[at + 4 : at + 4 + size])
        at += 4 + size + -size % 4
    return False


def _head(transaction: bytes, size: int) -> bytes:
    return struct.pack("!HHI", REQUEST, size, COOKIE) + transaction


def _digest(password: str, signed: bytes) -> bytes:
    return hmac.digest(password.encode(), signed, hashlib.sha1)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
