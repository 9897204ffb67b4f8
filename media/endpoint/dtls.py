"""DTLS-SRTP key exchange (RFC 5764) on memory buffers: datagrams in, datagrams out."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from media.endpoint.srtp import PROFILES, Inbound, Outbound, Profile
from media.errors import MediaError

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"
RECORD_HEADER = 13
MAX_DATAGRAM = 1200
CERTIFICATE_DAYS = 365
DIGESTS = ("sha-256", "sha-384", "sha-512")


class HandshakeFailed(MediaError):
    """The peer is not the one its SDP announced, or speaks no DTLS-SRTP."""


def is_dtls(data: bytes) -> bool:
    """Tell DTLS from what else shares the port (RFC 7983)."""
    return len(data) >= RECORD_HEADER and 20 <= data[0] <= 63


class Identity:
    """The certificate of a process, made at its start, and the context every handshake shares."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self.fingerprint = "sha-256 " + _colons(certificate.fingerprint(hashes.SHA256()))
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET)
        # Nobody resumes a session, and the cache would keep each peer's certificate.
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Peers are known by the fingerprint in their SDP, so any certificate is taken here.
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_cipher_list(CIPHERS)
        self.context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))


class Handshake:
    """One DTLS association, from the first flight to the SRTP keys.

    It may be dropped some seconds after `keys` is set; kept longer, it notices the peer's
    close_notify (`closed`).
    """

    def __init__(self, identity: Identity, fingerprints: dict[str, str], *, is_client: bool) -> None:
        self._fingerprints = fingerprints
        self._is_client = is_client
        self._connection = SSL.Connection(identity.context, None)
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self.keys: tuple[Inbound, Outbound] | None = None
        self.closed = False

    def start(self) -> list[bytes]:
        """Return the first flight of a client."""
        self._advance()
        return self._flight()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram in and return those to send; raise `HandshakeFailed`."""
        self._connection.bio_write(datagram)
        if self.keys is None:
            self._advance()
        else:
            self._watch_for_close()
        return self._flight()

    def retransmit(self) -> list[bytes]:
        """Return what has to be sent again, because its timer ran out; raise `HandshakeFailed`."""
        timeout = self._connection.DTLSv1_get_timeout()
        if self.keys is not None or timeout is None or timeout > 0:
            return []
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise HandshakeFailed("DTLS peer does not answer") from error
        return self._flight()

    def close(self) -> list[bytes]:
        """Return the close_notify."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return []
        return self._flight()

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise HandshakeFailed(f"DTLS handshake failed: {error}") from error
        self._check_peer()
        self.keys = self._derive_keys()

    def _check_peer(self) -> None:
        certificate = self._connection.get_peer_certificate()
        if certificate is None:
            raise HandshakeFailed("DTLS peer has no certificate")
        for algorithm, expected in self._fingerprints.items():
            if algorithm in DIGESTS:
                digest = certificate.digest(algorithm.replace("-", ""))
                if hmac.compare_digest(digest, expected.upper().encode()):
                    return
        raise HandshakeFailed("DTLS certificate does not match the SDP")

    def _derive_keys(self) -> tuple[Inbound, Outbound]:
        profile = _profile(self._connection.get_selected_srtp_profile())
        material = self._connection.export_keying_material(EXPORTER_LABEL, profile.material_size)
        client, server = profile.split(material)
        ours, theirs = (client, server) if self._is_client else (server, client)
        return Inbound(profile, theirs), Outbound(profile, ours)

    def _watch_for_close(self) -> None:
        try:
            self._connection.recv(MAX_DATAGRAM)
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error:
            pass

    def _flight(self) -> list[bytes]:
        try:
            return _datagrams(self._connection.bio_read(65536))
        except SSL.WantReadError:
            return []


def _datagrams(data: bytes) -> list[bytes]:
    """Cut a flight at record boundaries: the memory buffer has lost those of its datagrams."""
    datagrams: list[bytes] = []
    at = 0
    while at < len(data):
        size = RECORD_HEADER + int.from_bytes(data[at + 11 : at + 13], "big")
        record = data[at : at + size]
        if datagrams and len(datagrams[-1]) + size <= MAX_DATAGRAM:
            datagrams[-1] += record
        else:
            datagrams.append(record)
        at += size
    return datagrams


def _profile(name: bytes) -> Profile:
    for profile in PROFILES:
        if profile.name == name:
            return profile
    raise HandshakeFailed("DTLS peer agrees on no SRTP profile")


def _colons(digest: bytes) -> str:
    return digest.hex(":").upper()


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "media")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
    return builder.sign(key, hashes.SHA256())
