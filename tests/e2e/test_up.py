"""``livecommerce up`` as somebody uses it who reads nothing first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.demo import Demo
from tests.servers import free_port


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def up(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "livecommerce.cli", "up", "--demo"]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def wait_until_ready(demo: Demo, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not demo.ready():
        assert time.monotonic() < deadline, demo.log()
        time.sleep(0.1)  # another process; it tells nobody


def test_ctrl_c_stops_everything_and_data_survives(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data")
    demo.start()
    rooms = httpx.get(f"{demo.url}/api/rooms").json()["rooms"]
    pids = demo.processes()
    assert set(pids) == {"valkey", "worker", "gateway-1", "media"}
    assert demo.stop() == 0
    assert not [name for name, pid in pids.items() if alive(pid)]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", demo.port))
    demo.start()
    try:
        again = httpx.get(f"{demo.url}/api/rooms").json()["rooms"]
        assert [row["room"] for row in again] == [row["room"] for row in rooms]
    finally:
        demo.stop()


def test_the_product_survives_the_death_of_each_process(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data")
    demo.start()
    try:
        for name in ("valkey", "worker", "gateway-1", "media"):
            victim = demo.processes()[name]
            os.kill(victim, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while demo.processes()[name] in (victim, None):
                assert time.monotonic() < deadline, demo.log()
                time.sleep(0.05)  # another process; it tells nobody
            wait_until_ready(demo)
        assert httpx.get(f"{demo.url}/api/rooms").json()["rooms"]
    finally:
        demo.stop()


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        failed = up({"PORT": port, "DATA_DIR": str(tmp_path)})
    assert failed.returncode == 1
    assert failed.stderr.strip() == (
        f"livecommerce: Port {port} on 127.0.0.1 is taken; free it, or choose another with PORT=…"
    )


def test_two_on_one_data_directory_are_refused(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data")
    demo.start()
    try:
        second = up({"PORT": str(free_port()), "DATA_DIR": str(demo.data_dir)})
    finally:
        demo.stop()
    assert second.returncode == 1
    assert "already runs" in second.stderr


@pytest.mark.parametrize("variable", ["PORT", "SHARDS", "WORKERS"])
def test_a_setting_of_the_wrong_kind_is_named(tmp_path: Path, variable: str) -> None:
    failed = up({variable: "many", "DATA_DIR": str(tmp_path)})
    assert failed.returncode == 1
    assert variable.lower() in failed.stderr
    assert "Traceback" not in failed.stderr
