"""The least WebRTC client that a WHIP or WHEP server takes for a real one."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aioice.stun
import httpx
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from pylibsrtp import Policy, Session

PROFILE = b"SRTP_AEAD_AES_128_GCM"
KEY_SIZE, SALT_SIZE = 16, 12
MAX_DATAGRAM = 1200
VIDEO, AUDIO = 96, 111
VIDEO_SSRC, AUDIO_SSRC = 7001, 7002
PRIORITY, TIE_BREAKER = 1, 1
BINDING_REQUEST = 0
"""First byte of one."""


class Identity:
    """One certificate for all clients of a run."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        certificate = builder.sign(key, hashes.SHA256())
        digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        self.fingerprint = digest.hex(":").upper()
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(PROFILE)


class Client:
    """One peer: exchanges SDP, answers and sends through `transmit`, then has its SRTP sessions."""

    def __init__(self, identity: Identity, transmit: Callable[[bytes, int], None]) -> None:
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.server_port = 0
        self.location = ""
        self.inbound: Session | None = None
        self.outbound: Session | None = None
        self._transmit = transmit
        self._identity = identity
        self._connection = SSL.Connection(identity.context, None)
        self._connection.set_connect_state()
        self._username = ""
        self._server_password = b""

    def offer(self, direction: str) -> str:
        """Return an offer of sound and picture."""
        head = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
            f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.password}\r\na=setup:active\r\n"
            f"a=fingerprint:sha-256 {self._identity.fingerprint}\r\n"
        )
        audio = (
            f"m=audio 9 UDP/TLS/RTP/SAVPF {AUDIO}\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na={direction}\r\n"
            f"a=rtcp-mux\r\na=rtpmap:{AUDIO} opus/48000/2\r\n"
        )
        video = (
            f"m=video 9 UDP/TLS/RTP/SAVPF {VIDEO}\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na={direction}\r\n"
            f"a=rtcp-mux\r\na=rtpmap:{VIDEO} H264/90000\r\na=rtcp-fb:{VIDEO} nack\r\n"
            f"a=rtcp-fb:{VIDEO} nack pli\r\n"
            f"a=fmtp:{VIDEO} packetization-mode=1;profile-level-id=42e01f\r\n"
        )
        return head + audio + video

    def connect(self, http: httpx.Client, path: str, secret: str, person: str) -> None:
        """Exchange SDP and send the first check and the first flight."""
        content, headers = self.request(path, secret, person)
        response = http.post(path, content=content, headers=headers)
        response.raise_for_status()
        self.accept(response.text, response.headers["location"])

    def request(self, path: str, secret: str, person: str) -> tuple[str, dict[str, str]]:
        """Return the body and the headers of the POST that opens a session."""
        grant, direction = ("publish", "sendonly") if path.startswith("/whip") else ("subscribe", "recvonly")
        _, _, room, seat = path.split("/")
        claims = {
            "aud": "media",
            "sub": person,
            "room": room,
            "seat": seat,
            "grant": grant,
            "exp": time.time() + 600,
        }
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {jwt.encode(claims, secret)}"}
        return self.offer(direction), headers

    def accept(self, answer: str, location: str) -> None:
        """Take the answer and send the first check and the first flight."""
        self.location = location
        self._username = f"{_line(answer, 'ice-ufrag')}:{self.ufrag}"
        self._server_password = _line(answer, "ice-pwd").encode()
        self.server_port = int(_line(answer, "candidate").split()[5])
        self.check()
        self._advance()

    def check(self) -> None:
        """Send a connectivity check, which is consent too."""
        message = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
        )
        message.attributes["USERNAME"] = self._username
        message.attributes["PRIORITY"] = PRIORITY
        message.attributes["ICE-CONTROLLING"] = TIE_BREAKER
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self._server_password)
        self._transmit(bytes(message), self.server_port)

    def receive(self, data: bytes) -> None:
        """Take a check or a DTLS datagram; others are not for here."""
        if data[0] == BINDING_REQUEST:
            self._answer_check(data)
        elif self.outbound is None and 20 <= data[0] <= 63:
            self._connection.bio_write(data)
            self._advance()

    def _answer_check(self, data: bytes) -> None:
        """A server with full ICE checks too, and goes on doing so."""
        check = aioice.stun.parse_message(data)
        answer = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING,
            message_class=aioice.stun.Class.RESPONSE,
            transaction_id=check.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", self.server_port)
        answer.add_message_integrity(self.password.encode())
        self._transmit(bytes(answer), self.server_port)

    def retry(self) -> None:
        """Send again what may have been lost, until the keys are there."""
        if self.outbound is None:
            self.check()
            self._connection.DTLSv1_handle_timeout()
            self._send_flight()

    def send_rtp(self, plain: bytes) -> None:
        """Protect and send."""
        assert self.outbound is not None
        self._transmit(self.outbound.protect(plain), self.server_port)

    def send_rtcp(self, plain: bytes) -> None:
        """Protect and send."""
        assert self.outbound is not None
        self._transmit(self.outbound.protect_rtcp(plain), self.server_port)

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            pass
        else:
            self._derive_keys()
        self._send_flight()

    def _send_flight(self) -> None:
        try:
            flight = self._connection.bio_read(65536)
        except SSL.WantReadError:
            return
        for datagram in datagrams(flight):
            self._transmit(datagram, self.server_port)

    def _derive_keys(self) -> None:
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_SIZE + SALT_SIZE))
        keys, salts = material[: 2 * KEY_SIZE], material[2 * KEY_SIZE :]
        ours = keys[:KEY_SIZE] + salts[:SALT_SIZE]
        theirs = keys[KEY_SIZE:] + salts[SALT_SIZE:]
        self.outbound = _session(ours, Policy.SSRC_ANY_OUTBOUND)
        self.inbound = _session(theirs, Policy.SSRC_ANY_INBOUND)


def datagrams(flight: bytes) -> list[bytes]:
    """Cut a flight at record boundaries, as full as an Ethernet frame lets them be."""
    cut: list[bytes] = []
    at = 0
    while at < len(flight):
        record = flight[at : at + 13 + int.from_bytes(flight[at + 11 : at + 13], "big")]
        at += len(record)
        if cut and len(cut[-1]) + len(record) <= MAX_DATAGRAM:
            cut[-1] += record
        else:
            cut.append(record)
    return cut


def _session(key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    return Session(policy=policy)


def _line(sdp: str, attribute: str) -> str:
    found = re.search(rf"^a={attribute}:(.*?)\r?$", sdp, re.MULTILINE)
    if found is None:
        raise SystemExit(f"the answer has no {attribute}")
    return found[1]
