"""A baseline's process, as seen by the benchmark that started it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.processes import SERVER_CORE, Process


class Child:
    """A started baseline; it listens on ``port``."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen
        self.process = Process(popen.pid)
        self.port = int(self.read())

    def order(self, line: str) -> None:
        """Tells it something; the answer is read with ``read``, while others can do their part."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()

    def read(self) -> str:
        """The next line it says; waits for it."""
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()

    @property
    def stdout(self) -> int:
        """The descriptor it answers on."""
        assert self._popen.stdout is not None
        return self._popen.stdout.fileno()


@contextmanager
def baseline(module: str, *arguments: str) -> Iterator[Child]:
    """Starts ``loadtests.baselines.<module>`` on the server's core, and ends it with the block."""
    words = [sys.executable, "-m", f"loadtests.baselines.{module}", *arguments]
    popen = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        child = Child(popen)
        child.process.pin(SERVER_CORE)
        yield child
    finally:
        popen.terminate()
        popen.communicate()
