"""Several media processes of one host: any door leads to every stream, and a dead one takes only its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from livecommerce.processes import Command, Supervisor
from media.hooks import webhook_key
from media.siblings import Siblings
from tests.integration.media.clients import SECRET, Client, bearer
from tests.integration.media.offers import offer_text

SDP = {"Content-Type": "application/sdp"}
PROCESSES = 2


class Deployment:
    """Media processes under the supervisor of `livecommerce up`."""

    def __init__(self, folder: Path) -> None:
        self.ports = _free_ports(PROCESSES)
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self._supervisor = Supervisor(folder / "processes.json", lambda _line: None)
        self._status = folder / "processes.json"

    async def start(self) -> None:
        for place, port in enumerate(self.ports):
            environ = {
                "TOKEN_SECRET": SECRET,
                "MEDIA_PORT": str(port),
                "MEDIA_UDP_PORT": "0",
                "MEDIA_SIBLINGS": ",".join(self.urls),
                "MEDIA_PROCESS": str(place),
            }
            await self._supervisor.start(Command(f"media-{place}", [sys.executable, "-m", "media"], environ))
        for url in self.urls:
            await until_healthy(url)

    async def stop(self) -> None:
        await self._supervisor.stop()

    def pid(self, place: int) -> int:
        found: int = json.loads(self._status.read_text())["processes"][place]["pid"]
        return found

    def place_of(self, seat: str) -> int:
        owner = Siblings(self.urls, -1).owner(f"/whip/r1/{seat}")
        assert owner is not None
        return self.urls.index(owner)


def _free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


async def until_healthy(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(f"{url}/healthz")).is_success:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path)
    await deployment.start()
    yield deployment
    await deployment.stop()


@pytest.fixture
async def door(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=deployment.urls[0], timeout=30) as door:
        yield door


def seats_apart(deployment: Deployment) -> tuple[str, str]:
    """Return a seat of the first process and one of the second."""
    seats = ["host", *(f"guest-{number}" for number in range(1, 20))]
    return (
        next(seat for seat in seats if deployment.place_of(seat) == 0),
        next(seat for seat in seats if deployment.place_of(seat) == 1),
    )


async def watch_until_it_plays(door: httpx.AsyncClient, seat: str) -> None:
    viewer = Client(door)
    async with asyncio.timeout(60):
        while not viewer.location:
            try:
                await viewer.watch(seat=seat)
            except AssertionError:  # nothing is live yet, or the process is away
                await viewer.connection.close()
                viewer = Client(door)
                await asyncio.sleep(0.1)
        await viewer.tracks["audio"].recv()
    await viewer.close()


async def test_streams_of_every_process_are_reached_by_one_door(
    deployment: Deployment, door: httpx.AsyncClient
) -> None:
    hosts = []
    for seat in seats_apart(deployment):
        host = Client(door)
        await host.publish(seat=seat, kinds="audio")
        hosts.append(host)
        await watch_until_it_plays(door, seat)

    assert [host.location.removeprefix("/session/")[:2] for host in hosts] == ["0-", "1-"]
    for host in hosts:
        assert (await door.get(host.location)).status_code == 200
        assert (await door.delete(host.location)).status_code == 200
        await host.close(delete=False)


async def test_a_killed_process_is_started_again_and_takes_its_publishers_back(
    deployment: Deployment, door: httpx.AsyncClient
) -> None:
    ours, theirs = seats_apart(deployment)
    steady, struck = Client(door), Client(door)
    await steady.publish(seat=ours, kinds="audio")
    await struck.publish(seat=theirs, kinds="audio")
    before = deployment.pid(1)

    os.kill(before, signal.SIGKILL)

    statuses = set()
    again = Client(door)
    async with asyncio.timeout(60):
        while not again.location:
            response = await door.get(f"/whip/r1/{theirs}")
            statuses.add(response.status_code)
            if response.status_code == 503:
                assert response.headers["retry-after"] == "1"
                assert response.headers["access-control-allow-origin"] == "*"
                await asyncio.sleep(0.02)
            elif deployment.pid(1) != before:
                await again.publish(seat=theirs, kinds="audio")
    await watch_until_it_plays(door, theirs)

    assert 503 in statuses
    assert (await door.get(steady.location)).status_code == 200
    assert (await door.get(struck.location)).status_code == 404
    for client in (steady, again):
        await client.close()
    await struck.close(delete=False)


async def test_a_show_that_is_over_is_over_on_every_process(
    deployment: Deployment, door: httpx.AsyncClient
) -> None:
    published = [
        await door.post(
            f"/whip/r1/{seat}",
            content=offer_text("obs"),
            headers={**SDP, **bearer("publish", seat=seat, ago=1)},
        )
        for seat in seats_apart(deployment)
    ]
    now = datetime.now(UTC)
    body = json.dumps({"type": "seat.closed", "room": "r1", "seat": "", "at_ms": int(now.timestamp() * 1000)})
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(webhook_key("media-control", SECRET)).sign("msg_1", now, body),
    }

    told = await door.post("/control", content=body, headers=headers)

    assert told.status_code == 204
    assert [(await door.get(one.headers["location"])).status_code for one in published] == [404, 404]


async def test_a_body_too_large_is_refused_at_the_door(
    deployment: Deployment, door: httpx.AsyncClient
) -> None:
    seat = seats_apart(deployment)[1]

    response = await door.post(f"/whip/r1/{seat}", content="x" * 70_000, headers=SDP)

    assert response.status_code == 413
