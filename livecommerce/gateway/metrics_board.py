"""Gateways of one host share a port, so a scrape reaches any of them: each answers for all.

Every gateway leaves its numbers where the others find them; those of one that has not been heard of for some
seconds are left out.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from livecommerce.clock import Clock

WRITE_SECONDS = 2.0
SILENT_SECONDS = 3 * WRITE_SECONDS

Gauges = Callable[[], Mapping[str, float]]
"""Metric name → current value."""

log = logging.getLogger(__name__)


class MetricsBoard:
    """The numbers of this gateway, called by its name, and of those beside it."""

    def __init__(self, folder: Path, name: str, gauges: Gauges, clock: Clock) -> None:
        self._folder = folder
        self._file = folder / f"{name}.json"
        self._name = name
        self._gauges = gauges
        self._clock = clock

    async def run(self) -> None:
        """Keeps this gateway's numbers fresh until cancelled."""
        try:
            while True:
                try:
                    self.write()
                except OSError as error:
                    log.warning("metrics cannot be shared with other gateways: %s", error)
                await asyncio.sleep(WRITE_SECONDS)
        finally:
            self._file.unlink(missing_ok=True)

    def write(self) -> None:
        """Leaves the numbers for the others."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps({"at_ms": self._clock(), "gauges": dict(self._gauges())}))
        draft.replace(self._file)

    def render(self) -> str:
        """All numbers in Prometheus' text format, each with its gateway's name."""
        everywhere = {**self._others(), self._name: self._gauges()}
        names = dict.fromkeys(metric for gauges in everywhere.values() for metric in gauges)
        return "".join(
            f"# TYPE {metric} gauge\n"
            + "".join(
                f'{metric}{{gateway="{gateway}"}} {gauges[metric]:g}\n'
                for gateway, gauges in sorted(everywhere.items())
                if metric in gauges
            )
            for metric in names
        )

    def _others(self) -> dict[str, Mapping[str, float]]:
        found = {}
        for file in self._folder.glob("*.json"):
            try:
                board = json.loads(file.read_text())
            except (OSError, ValueError):
                continue  # it left just now
            if self._clock() - board["at_ms"] <= SILENT_SECONDS * 1000:
                found[file.stem] = board["gauges"]
        return found
