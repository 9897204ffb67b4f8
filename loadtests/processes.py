"""Processes under measurement (Linux): which core, how much CPU, how much memory."""

from __future__ import annotations

import json
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

SERVER_CORE, GENERATOR_CORE = 0, 1
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """A running process, all its threads together."""

    pid: int

    def pin(self, core: int) -> None:
        """Keeps it on one core; where the machine does not have that one, it stays where it is."""
        if core < (os.cpu_count() or 1):
            for thread in Path(f"/proc/{self.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})

    def kill(self) -> None:
        """As a crash would end it."""
        os.kill(self.pid, signal.SIGKILL)

    def cpu_seconds(self) -> float:
        """User and system time so far, ended threads included."""
        return sum(self.cpu_parts())

    def cpu_parts(self) -> tuple[float, float]:
        """Seconds spent in its own code, and in the kernel on its behalf."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / _TICKS_PER_SECOND, int(fields[12]) / _TICKS_PER_SECOND

    def listens(self, port: int) -> bool:
        """Whether it waits for connections on a port."""
        try:
            connections = psutil.Process(self.pid).net_connections("tcp")
        except psutil.Error:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)

    def resident_bytes(self) -> int:
        """Memory that is really there."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def supervised(data_dir: Path) -> dict[str, Process]:
    """The running processes of the ``livecommerce up`` that works in a directory, by name; none elsewhere."""
    try:
        listed = json.loads((data_dir / "processes.json").read_text())["processes"]
    except (OSError, ValueError):
        return {}
    return {one["name"]: Process(one["pid"]) for one in listed if one["pid"]}


def supervised_pids(data_dir: Path) -> dict[str, list[int]]:
    """The same as the sampler takes them."""
    return {name: [one.pid] for name, one in supervised(data_dir).items()}


def signal_process(pid: int, number: signal.Signals) -> bool:
    """Sends a signal; answers whether the process was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def this_process() -> Process:
    """The one that asks."""
    return Process(os.getpid())


class TooFewDescriptors(Exception):
    """The system lets this process open fewer files than it needs; the text says how many."""


def allow_descriptors(count: int) -> None:
    """Makes sure that this process may have so many files open.

    Raises:
        TooFewDescriptors: it may not.
    """
    allowed = allowed_descriptors(count)
    if allowed < count:
        raise TooFewDescriptors(f"{count} open files are needed, {allowed} are allowed (ulimit -n)")


def allowed_descriptors(wanted: int) -> int:
    """Lets this process open as many files as it wants, or as the system allows; answers how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < granted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    return granted
