"""What each process uses, once a second; and whether it grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import gevent
import msgspec
import psutil  # type: ignore[import-untyped]

SAMPLE_SECONDS = 1.0
MOST_SAMPLES = 3_600
WARM_UP_SHARE = 0.3
"""The beginning of a run does not count as growth: caches fill, people come."""

Pids = Callable[[], Mapping[str, Sequence[int]]]
"""The processes by name; a name may stand for several, such as a database's."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one process."""

    at_seconds: float
    cpu_share: float
    """Of one core, since the look before."""
    resident_mb: float
    descriptors: int
    threads: int
    tasks: int | None = None
    """Of its event loop, where it tells."""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line through a process' use of something, after warming up."""

    process: str
    what: str
    per_hour: float
    share_explained: float
    """Of all variation (R²): near one it is growth, near zero it is noise."""


class Sampler:
    """Looks at processes while it runs; ``samples`` by name. A process that was started anew goes on."""

    def __init__(self, pids: Pids, tasks: Callable[[], Mapping[str, int]] = dict) -> None:
        self._pids = pids
        self._tasks = tasks
        self._started = time.monotonic()
        self._cpu: dict[int, tuple[float, float]] = {}
        self._every = SAMPLE_SECONDS
        self.samples: dict[str, list[Sample]] = {}

    def run(self) -> None:
        """Samples until it is killed; half as often whenever there are too many samples."""
        while True:
            self.look()
            if max((len(samples) for samples in self.samples.values()), default=0) > MOST_SAMPLES:
                self._every *= 2
                self.samples = {name: samples[::2] for name, samples in self.samples.items()}
            gevent.sleep(self._every)

    def look(self) -> None:
        """One sample of every process that runs."""
        tasks = self._tasks()
        for name, pids in self._pids().items():
            parts = [part for pid in pids if (part := self._measure(pid)) is not None]
            if parts:
                cpu, resident, descriptors, threads = (sum(column) for column in zip(*parts, strict=True))
                self.samples.setdefault(name, []).append(
                    Sample(
                        at_seconds=round(time.monotonic() - self._started, 2),
                        cpu_share=round(cpu, 3),
                        resident_mb=round(resident / 2**20, 1),
                        descriptors=int(descriptors),
                        threads=int(threads),
                        tasks=tasks.get(name),
                    )
                )

    def _measure(self, pid: int) -> tuple[float, float, int, int] | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                now, used = time.monotonic(), times.user + times.system
                before, used_before = self._cpu.get(pid, (now, used))
                self._cpu[pid] = now, used
                share = (used - used_before) / (now - before) if now > before else 0.0
                return share, process.memory_info().rss, process.num_fds(), process.num_threads()
        except psutil.Error:
            return None


def growth(samples: Mapping[str, Sequence[Sample]]) -> list[Growth]:
    """What grows in each process, and how steadily."""
    found = []
    for process, looks in samples.items():
        steady = looks[int(len(looks) * WARM_UP_SHARE) :]
        for what in ("resident_mb", "descriptors", "threads", "tasks"):
            points = [
                (look.at_seconds / 3600, float(value))
                for look in steady
                if (value := getattr(look, what)) is not None
            ]
            slope, explained = line_through(points)
            found.append(
                Growth(
                    process=process, what=what, per_hour=round(slope, 2), share_explained=round(explained, 3)
                )
            )
    return found


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope of the least-squares line, and the share of variation that it explains."""
    count = len(points)
    if count < 3:
        return 0.0, 0.0
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread_x = sum((x - mean_x) ** 2 for x, _ in points)
    spread_y = sum((y - mean_y) ** 2 for _, y in points)
    together = sum((x - mean_x) * (y - mean_y) for x, y in points)
    if spread_x == 0 or spread_y == 0:
        return 0.0, 0.0
    return together / spread_x, together**2 / (spread_x * spread_y)
