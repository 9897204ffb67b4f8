"""SRTP (RFC 3711, GCM RFC 7714). The one file that touches pylibsrtp's binding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pylibsrtp

CData = Any  # cffi has no static types for what it allocates

REPLAY_WINDOW = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile under its OpenSSL name, with the lengths of its key and salt in bytes."""

    name: bytes
    libsrtp_profile: int
    key_size: int
    salt_size: int

    @property
    def material_size(self) -> int:
        """Bytes of keying material both sides need together."""
        return 2 * (self.key_size + self.salt_size)

    def split(self, material: bytes) -> tuple[bytes, bytes]:
        """Return the DTLS client's and the DTLS server's master key with salt (RFC 5764 §4.2)."""
        key, salt = self.key_size, self.salt_size
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt : 2 * (key + salt)]
        return client, server


PROFILES = (
    Profile(b"SRTP_AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


#: `(context, packet, length) -> status`: protects in place and updates `length`. A status other
#: than 0 means that the packet is still plain and must not be sent.
protect_in_place: Callable[[CData, CData, CData], int] = pylibsrtp.lib.srtp_protect  # type: ignore[attr-defined]


def protect_address() -> int:
    """Return where `protect_in_place` lies in memory, for code that calls it without the interpreter."""
    function = pylibsrtp.ffi.addressof(pylibsrtp.lib, "srtp_protect")  # type: ignore[attr-defined]
    return int(pylibsrtp.ffi.cast("uintptr_t", function))  # type: ignore[attr-defined]


class Inbound:
    """Opens what a peer has protected."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._session = _session(profile, key, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def open_rtp(self, data: bytes) -> bytes | None:
        """Return the plain packet, or None where it is forged, repeated or too old."""
        try:
            return self._session.unprotect(data)
        except (pylibsrtp.Error, ValueError):
            return None

    def open_rtcp(self, data: bytes) -> bytes | None:
        """Return the plain compound packet, or None where it is forged, repeated or too old."""
        try:
            return self._session.unprotect_rtcp(data)
        except (pylibsrtp.Error, ValueError):
            return None


class Outbound:
    """Protects what we send to one peer.

    Sending the same packet again is allowed, for retransmissions: its bytes are the same, so no
    nonce covers two plaintexts.
    """

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._session = _session(profile, key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self.context: CData = self._session._srtp[0]

    def protect_rtp(self, data: bytes) -> bytes:
        """Return the protected packet."""
        protected: bytes = self._session.protect(data)
        return protected

    def protect_rtcp(self, data: bytes) -> bytes:
        """Return the protected compound packet."""
        protected: bytes = self._session.protect_rtcp(data)
        return protected


def _session(profile: Profile, key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True
    policy.window_size = REPLAY_WINDOW
    return pylibsrtp.Session(policy=policy)
