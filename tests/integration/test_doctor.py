"""The doctor in front of real parts, well and not."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.sql_connection import migrate
from livecommerce.doctor import probes, trial
from livecommerce.doctor.finding import Finding
from livecommerce.doctor.media_probe import look_at_media
from livecommerce.doctor.place import Place
from livecommerce.settings import Settings
from media.app import MediaServer, open_server
from media.settings import Settings as MediaSettings
from tests.e2e.demo import Demo
from tests.servers import ValkeyServer, free_port

SECRET = "a secret of thirty-two bytes or more"


class Report(msgspec.Struct):
    exit_code: int
    findings: list[Finding]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def media() -> AsyncIterator[MediaServer]:
    settings = MediaSettings(token_secret=SECRET, port=0, udp_port=0)
    async with open_server(settings) as server:
        serving = asyncio.create_task(server.serve())
        yield server
        server.stop()
        await serving


def place(process: str = "", **settings: object) -> Place:
    filled = msgspec.structs.replace(Settings(token_secret=SECRET), **settings)
    return Place(filled, f"http://127.0.0.1:{free_port()}", (process,))


def states(findings: object) -> list[tuple[str, str]]:
    assert isinstance(findings, list)
    return [(finding.part, finding.state) for finding in findings]


def test_running_demo_is_well_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    demo.start()
    try:
        running = _examine(demo)
    finally:
        demo.stop()
    assert [finding for finding in running.findings if finding.state == "wrong"] == []
    parts = {finding.part for finding in running.findings}
    assert parts == {
        "settings", "address", "disk", "valkey", "clock", "database", "ledger", "gateway", "media", "picture"
    }  # fmt: skip

    stopped = _examine(demo)
    assert stopped.exit_code == 1
    assert {finding.part for finding in stopped.findings if finding.state == "wrong"} == {
        "valkey",
        "gateway",
        "media",
    }


def _examine(demo: Demo) -> Report:
    done = subprocess.run(
        [sys.executable, "-m", "livecommerce.cli", "doctor", "--json"],
        env={**os.environ, **demo.environ},
        capture_output=True,
        check=False,
    )
    report = msgspec.json.decode(done.stdout, type=Report)
    assert done.returncode == report.exit_code
    return report


async def test_valkey_that_may_lose_sales_is_found(valkey: ValkeyServer) -> None:
    redis = connect(valkey.url)
    await redis.config_set("appendfsync", "everysec")
    await redis.aclose()
    found = list(await probes.look_at_redis(place(redis_url=valkey.url)))
    assert states(found) == [("valkey", "wrong"), ("clock", "well")]
    assert "appendfsync is everysec" in found[0].says


async def test_valkey_that_evicts_is_found(valkey: ValkeyServer) -> None:
    redis = connect(valkey.url)
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    await redis.aclose()
    found = list(await probes.look_at_redis(place(redis_url=valkey.url)))
    assert "maxmemory-policy" in found[0].says


async def test_valkey_that_is_away_is_found() -> None:
    found = await probes.look_at_redis(place(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    assert states(found) == [("valkey", "wrong")]


async def test_database_of_another_release_is_found_and_nothing_is_created(tmp_path: Path) -> None:
    here = place(data_dir=tmp_path)
    assert states(await probes.look_at_sql(here)) == [("database", "warning")]
    assert states(await probes.look_at_ledger(here)) == [("ledger", "warning")]
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a look into an empty folder

    (tmp_path / "livecommerce.sqlite").touch()
    assert states(await probes.look_at_sql(here)) == [("database", "wrong")]

    await migrate(here.settings.sql_url)
    assert states(await probes.look_at_sql(here)) == [("database", "well")]


async def test_ledger_that_is_away_is_found() -> None:
    found = await probes.look_at_ledger(place(ledger_url=f"http://127.0.0.1:{free_port()}/"))
    assert states(found) == [("ledger", "wrong")]


async def test_gateway_that_is_away_is_found() -> None:
    assert states(await probes.look_at_gateway(place())) == [("gateway", "wrong")]


async def test_media_process_answers_over_udp_and_tcp(media: MediaServer) -> None:
    found = list(await look_at_media(place(f"http://127.0.0.1:{media.port}")))
    assert [finding.says for finding in found[-2:]] == [
        f"The media server answers at 127.0.0.1 port {media.udp_port} over {carrier}."
        for carrier in ("UDP", "TCP")
    ]
    assert not media.forwarder.endpoint.peers


async def test_media_process_with_another_secret_is_found(media: MediaServer) -> None:
    here = place(f"http://127.0.0.1:{media.port}", token_secret="another secret of thirty-two bytes")
    found = list(await look_at_media(here))
    assert states(found) == [("media", "wrong")]
    assert "TOKEN_SECRET" in found[0].do


async def test_media_process_that_is_away_is_found() -> None:
    assert states(await look_at_media(place(f"http://127.0.0.1:{free_port()}"))) == [("media", "wrong")]


async def test_port_that_swallows_udp_and_refuses_tcp_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial, "UDP_PAUSE_SECONDS", 0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        lines = [
            trial.Candidate("udp", *deaf.getsockname()),
            trial.Candidate("tcp", "127.0.0.1", free_port()),
        ]
        asked = trial.Trial("", "u", "p", tuple(lines))
        assert [await trial.answers(asked, line) for line in lines] == [False, False]


async def test_engine_of_somebody_else_is_left_alone() -> None:
    here = place(media_url="https://engine.example.com/{room}/{seat}/{protocol}")
    assert states(await look_at_media(here)) == [("picture", "well")]
