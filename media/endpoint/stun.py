"""STUN binding requests and their answers (RFC 8489), as an ICE-lite agent needs them (RFC 8445).

Written by hand: an answer costs a quarter of what a general parser takes, and rubbish can only raise
`MalformedPacket`.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import ipaddress
import struct
from dataclasses import dataclass

from media.errors import MalformedPacket

Address = tuple[str, int]

COOKIE = 0x2112A442
COOKIE_BYTES = COOKIE.to_bytes(4, "big")
HEADER_SIZE = 20
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
INTEGRITY_SIZE = 24
FINGERPRINT_XOR = 0x5354554E
ROLE_CONFLICT = 487


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check; its integrity is still to be verified with `verify`."""

    transaction: bytes
    username: str
    nominates: bool
    peer_is_controlled: bool
    signed: bytes
    signature: bytes

    @property
    def local_ufrag(self) -> str:
        """The half of the username that names our session."""
        return self.username.partition(":")[0]

    def verify(self, password: str) -> bool:
        """Tell whether the sender knows our session's password."""
        expected = hmac.digest(password.encode(), self.signed, hashlib.sha1)
        return hmac.compare_digest(expected, self.signature)


def is_stun(data: bytes) -> bool:
    """Tell STUN from what else shares the port (RFC 7983)."""
    return len(data) >= HEADER_SIZE and data[0] < 4 and data[4:8] == COOKIE_BYTES


def parse_request(data: bytes) -> BindingRequest | None:
    """Read a binding request; return None for other STUN messages; raise `MalformedPacket`."""
    if not is_stun(data):
        raise MalformedPacket("no STUN header")
    kind, size = struct.unpack_from("!HH", data)
    if size != len(data) - HEADER_SIZE or size % 4:
        raise MalformedPacket("STUN length does not match")
    if kind != BINDING_REQUEST:
        return None
    username, signed, signature = "", b"", b""
    nominates = controlled = False
    at = HEADER_SIZE
    while at + 4 <= len(data):
        attribute, length = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + length]
        if len(value) != length:
            raise MalformedPacket("STUN attribute is truncated")
        if attribute == MESSAGE_INTEGRITY:
            # The length that was signed ends with this attribute (RFC 8489 §14.5).
            signed = data[:2] + struct.pack("!H", at + INTEGRITY_SIZE - HEADER_SIZE) + data[4:at]
            signature = value
            break
        if attribute == USERNAME:
            username = value.decode("utf-8", "replace")
        elif attribute == USE_CANDIDATE:
            nominates = True
        elif attribute == ICE_CONTROLLED:
            controlled = True
        at += 4 + length + -length % 4
    return BindingRequest(data[8:20], username, nominates, controlled, signed, signature)


def success(transaction: bytes, address: Address, password: str) -> bytes:
    """Answer a valid check with the address it came from."""
    return _signed(BINDING_SUCCESS, transaction, _xor_mapped(address, transaction), password)


def role_conflict(transaction: bytes, password: str) -> bytes:
    """Tell a peer that it has to be the controlling one."""
    reason = b"Role Conflict"
    value = struct.pack("!HBB", 0, ROLE_CONFLICT // 100, ROLE_CONFLICT % 100) + reason
    return _signed(BINDING_ERROR, transaction, _attribute(ERROR_CODE, value), password)


def binding_request(transaction: bytes, username: str, password: str, *, nominate: bool) -> bytes:
    """Write a check as a controlling client sends it."""
    attributes = _attribute(USERNAME, username.encode())
    if nominate:
        attributes += _attribute(USE_CANDIDATE, b"")
    return _signed(BINDING_REQUEST, transaction, attributes, password)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _xor_mapped(address: Address, transaction: bytes) -> bytes:
    ip = ipaddress.ip_address(address[0])
    mask = (COOKIE_BYTES + transaction)[: len(ip.packed)]
    masked = bytes(a ^ b for a, b in zip(ip.packed, mask, strict=True))
    family = 1 if ip.version == 4 else 2
    return _attribute(XOR_MAPPED_ADDRESS, struct.pack("!HH", family, address[1] ^ COOKIE >> 16) + masked)


def _signed(kind: int, transaction: bytes, attributes: bytes, password: str) -> bytes:
    head = struct.pack("!HHI", kind, len(attributes) + INTEGRITY_SIZE, COOKIE) + transaction
    digest = hmac.digest(password.encode(), head + attributes, hashlib.sha1)
    attributes += _attribute(MESSAGE_INTEGRITY, digest)
    message = struct.pack("!HHI", kind, len(attributes) + 8, COOKIE) + transaction + attributes
    checksum = binascii.crc32(message) ^ FINGERPRINT_XOR
    return message + _attribute(FINGERPRINT, struct.pack("!I", checksum))
