"""The supervisor behind ``livecommerce up``: starts the processes, restarts what dies, stops all at the end.

Children die with the supervisor even if it is killed (Linux). What runs is written to
``processes.json`` in the data directory, for the console.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 20.0
"""A process that lived this long starts again with the first pause."""
STOP_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1

Report = Callable[[str], None]
"""Takes one line for the person at the terminal."""


@dataclass(frozen=True)
class Command:
    """A process to keep running."""

    name: str
    words: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = STOP_SECONDS
    """How long it may take to end in good order."""


@dataclass
class Child:
    """A command and what became of it."""

    command: Command
    process: asyncio.subprocess.Process | None = None
    started_at: float = 0.0
    restarts: int = 0
    pause_seconds: float = FIRST_PAUSE_SECONDS

    def describe(self) -> dict[str, object]:
        """For the console."""
        running = self.process is not None and self.process.returncode is None
        return {
            "name": self.command.name,
            "pid": self.process.pid if running and self.process else None,
            "state": "running" if running else "restarting",
            "restarts": self.restarts,
            "started_ms": int(self.started_at * 1000),
        }


class Supervisor:
    """Keeps commands running until it is told to stop; the last one started is the first one stopped."""

    def __init__(self, status_file: Path, report: Report) -> None:
        self._status_file = status_file
        self._report = report
        self._children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self, command: Command) -> None:
        """Starts a command and keeps it running from now on."""
        child = Child(command)
        self._children.append(child)
        await self._spawn(child)
        self._keepers.append(asyncio.create_task(self._keep(child)))

    async def _spawn(self, child: Child) -> None:
        child.process = await asyncio.create_subprocess_exec(
            *child.command.words,
            env={**os.environ, **child.command.environ},
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops them in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        child.started_at = time.time()
        self._write_status()

    async def _keep(self, child: Child) -> None:
        while child.process is not None:
            code = await child.process.wait()
            if self._stopping:
                return
            if time.time() - child.started_at > STEADY_SECONDS:
                child.pause_seconds = FIRST_PAUSE_SECONDS
            pause = f"{child.pause_seconds:g} s"
            self._report(f"{child.command.name} ended ({_reason(code)}); starting it again in {pause}")
            self._write_status()
            await asyncio.sleep(child.pause_seconds)
            child.pause_seconds = min(LONGEST_PAUSE_SECONDS, child.pause_seconds * 2)
            child.restarts += 1
            await self._spawn(child)

    async def stop(self) -> None:
        """Ends every process, those that others rely on last."""
        self._stopping = True
        for child in reversed(self._children):
            await self._end(child)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._status_file.unlink(missing_ok=True)

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), child.command.stop_seconds)
        except TimeoutError:
            self._report(f"{child.command.name} does not stop; ending it by force")
            process.kill()
            await process.wait()

    def _write_status(self) -> None:
        status = {"supervisor": os.getpid(), "processes": [child.describe() for child in self._children]}
        draft = self._status_file.with_suffix(".draft")
        draft.write_text(json.dumps(status))
        draft.replace(self._status_file)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
