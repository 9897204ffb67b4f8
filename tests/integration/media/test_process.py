"""`python -m media` as a process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys

import httpx
import pytest

from tests.integration.media.clients import SECRET

ENVIRONMENT = {"TOKEN_SECRET": SECRET, "MEDIA_PORT": "0", "MEDIA_UDP_PORT": "0"}


async def start(**environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "media",
        env={**os.environ, **ENVIRONMENT, **environment},
        stderr=asyncio.subprocess.PIPE,
    )


async def port_of(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while not (found := re.search(rb"serving HTTP on [^ ]+:(\d+)", await process.stderr.readline())):
            pass
    return int(found[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly(number: signal.Signals) -> None:
    process = await start()
    port = await port_of(process)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/healthz")).text == "ok"

    process.send_signal(number)

    _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors


@pytest.mark.parametrize(
    ("variable", "kind"), [("MEDIA_PORT", socket.SOCK_STREAM), ("MEDIA_UDP_PORT", socket.SOCK_DGRAM)]
)
async def test_a_taken_port_is_one_clear_sentence(variable: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = str(taken.getsockname()[1])

        process = await start(**{variable: port})
        _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.decode().count("\n") == 1
    assert port in errors.decode()
    assert "Address already in use" in errors.decode()


async def test_a_missing_secret_is_one_clear_sentence() -> None:
    process = await start(TOKEN_SECRET="")

    _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.decode().startswith("media: TOKEN_SECRET must be")
