"""A trial connection to a media process: asked for over HTTP, and its addresses tried over UDP and TCP."""

from __future__ import annotations

import asyncio
import secrets
import socket
from dataclasses import dataclass
from typing import Literal

import httpx

from livecommerce.doctor.stun import TRANSACTION_BYTES, binding_request, is_success

Carrier = Literal["udp", "tcp"]

UDP_TRIES = 4
UDP_PAUSE_SECONDS = 0.5
TCP_SECONDS = 4.0
MAX_ANSWER_BYTES = 2048
OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        "a=ice-ufrag:doctor",
        "a=ice-pwd:doctordoctordoctordoctor",
        "a=setup:actpass",
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32),
        "a=rtpmap:111 opus/48000/2",
        "",
    ]
)
"""Asks for sound; nobody will answer the handshake, for only the way to the port is tried."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where the server says it can be reached."""

    carrier: Carrier
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Trial:
    """An open trial connection and what is needed to use it."""

    session: str
    ufrag: str
    password: str
    candidates: tuple[Candidate, ...]


async def open_trial(http: httpx.AsyncClient, url: str, token: str) -> Trial:
    """Asks the very process at this address.

    Raises:
        httpx.HTTPError: it cannot be reached, or refuses.
        ValueError: its answer is not understood.
    """
    answer = await http.post(
        f"{url}/check/doctor/host",
        content=OFFER,
        headers={
            "authorization": f"Bearer {token}",
            "content-type": "application/sdp",
            "x-media-relayed": "1",  # else it would be passed on to the process whose seat that is
        },
    )
    answer.raise_for_status()
    return read_answer(answer.text, url + answer.headers.get("location", ""))


async def end_trial(http: httpx.AsyncClient, trial: Trial) -> None:
    """Ends it; it would end by itself too."""
    await http.delete(trial.session)


def read_answer(sdp: str, session: str) -> Trial:
    """What an answer says.

    Raises:
        ValueError: it is none.
    """
    lines = sdp.splitlines()
    values = dict(line[2:].partition(":")[::2] for line in reversed(lines) if line.startswith("a="))
    if "ice-ufrag" not in values or "ice-pwd" not in values:
        raise ValueError("the media server's answer has no ICE credentials")
    candidates = dict.fromkeys(_candidate(line) for line in lines if line.startswith("a=candidate:"))
    return Trial(session, values["ice-ufrag"], values["ice-pwd"], tuple(candidates))


def _candidate(line: str) -> Candidate:
    words = line.split()
    return Candidate("tcp" if words[2].lower() == "tcp" else "udp", words[4], int(words[5]))


async def answers(trial: Trial, candidate: Candidate) -> bool:
    """Whether the server answers there, and is the one that was asked."""
    transaction = secrets.token_bytes(TRANSACTION_BYTES)
    request = binding_request(transaction, f"{trial.ufrag}:doctor", trial.password)
    ask = _ask_udp if candidate.carrier == "udp" else _ask_tcp
    try:
        data = await ask(candidate, request)
    except (OSError, EOFError, TimeoutError):
        return False
    return is_success(data, transaction, trial.password)


async def _ask_udp(candidate: Candidate, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in candidate.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        await loop.sock_connect(probe, (candidate.address, candidate.port))
        for _ in range(UDP_TRIES):
            await loop.sock_sendall(probe, request)
            try:
                return await asyncio.wait_for(loop.sock_recv(probe, MAX_ANSWER_BYTES), UDP_PAUSE_SECONDS)
            except TimeoutError:
                continue
    raise TimeoutError


async def _ask_tcp(candidate: Candidate, request: bytes) -> bytes:
    """The same, framed as RFC 4571 has it."""
    async with asyncio.timeout(TCP_SECONDS):
        reader, writer = await asyncio.open_connection(candidate.address, candidate.port)
        try:
            writer.write(len(request).to_bytes(2, "big") + request)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(size)
        finally:
            writer.close()
