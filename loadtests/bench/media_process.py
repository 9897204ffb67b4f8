"""A media process under test, pinned to one core, and the CPU it has used."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SERVER_CORE, GENERATOR_CORE = 0, 1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class MediaProcess:
    """Where a started process listens."""

    pid: int
    port: int
    udp_port: int
    secret: str

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        """Return the memory the process holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def media_process(module: str = "media", *, can_compile: bool = True) -> Iterator[MediaProcess]:
    """Run `python -m media`, or what serves like it, on free ports and a core of its own; stop it at the end.

    Without a compiler in its path it sends by Python.
    """
    secret = secrets.token_hex(32)
    environment = {**os.environ, "TOKEN_SECRET": secret, "MEDIA_PORT": "0", "MEDIA_UDP_PORT": "0"}
    if not can_compile:
        environment["PATH"] = ""
    process = subprocess.Popen([sys.executable, "-m", module], env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    reader: threading.Thread | None = None
    try:
        port, udp_port = _ports(process.stderr)
        # A full pipe would stop the server at its next log line.
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        pin(process.pid, SERVER_CORE)
        yield MediaProcess(process.pid, port, udp_port, secret)
    finally:
        process.terminate()
        process.wait()
        if reader is not None:
            reader.join()
        process.stderr.close()


def pin(pid: int, core: int) -> None:
    """Keep a process (0: this one) on one core, where there are several."""
    if len(os.sched_getaffinity(0)) > 1 or pid:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {core})


def _ports(log: IO[bytes]) -> tuple[int, int]:
    for line in log:
        found = re.search(rb"serving HTTP on [^ ]+:(\d+), media on UDP (\d+)", line)
        if found:
            return int(found[1]), int(found[2])
    raise SystemExit("the media process did not start")
