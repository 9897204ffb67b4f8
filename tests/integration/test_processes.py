"""The supervisor keeps processes running, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from livecommerce.processes import Command, Supervisor

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


@asynccontextmanager
async def supervising(tmp_path: Path, lines: list[str]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "processes.json", lines.append)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def running(tmp_path: Path) -> dict[str, int | None]:
    listed = json.loads((tmp_path / "processes.json").read_text())["processes"]
    return {process["name"]: process["pid"] for process in listed}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process; it tells nobody
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_dies_is_started_again(tmp_path: Path) -> None:
    lines: list[str] = []
    async with supervising(tmp_path, lines) as supervisor:
        await supervisor.start(Command("one", FOREVER))
        first = running(tmp_path)["one"]
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: running(tmp_path)["one"] not in (first, None))
    assert "one ended (signal SIGKILL); starting it again in 0.5 s" in lines


async def test_all_end_in_reverse_order_and_nothing_is_left(tmp_path: Path) -> None:
    note = tmp_path / "ends"
    says_bye = (
        "import signal, sys\n"
        "def bye(*_):\n open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, bye)\nopen(sys.argv[1] + sys.argv[2], 'w')\nsignal.pause()"
    )
    async with supervising(tmp_path, []) as supervisor:
        for name in ("a", "b", "c"):
            await supervisor.start(Command(name, [sys.executable, "-c", says_bye, str(note), name]))
        await until(lambda: all((tmp_path / f"ends{name}").exists() for name in "abc"))
        pids = [pid for pid in running(tmp_path).values() if pid]
    assert note.read_text() == "cba"
    assert not any(alive(pid) for pid in pids)
    assert not (tmp_path / "processes.json").exists()


async def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    source = (
        "import asyncio, sys, pathlib\n"
        "from livecommerce.processes import Command, Supervisor\n"
        "async def main():\n"
        " supervisor = Supervisor(pathlib.Path(sys.argv[1]) / 'processes.json', print)\n"
        f" await supervisor.start(Command('child', {FOREVER!r}))\n"
        " await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", source, str(tmp_path))
    await until(lambda: (tmp_path / "processes.json").exists() and bool(running(tmp_path)))
    child = running(tmp_path)["child"]
    assert child is not None
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not alive(child))
