"""Measurements on their way into locust's statistics."""

from __future__ import annotations

import time
from typing import NoReturn

import gevent
from locust.env import Environment

LAG_SECONDS = 0.05


def record(environment: Environment, kind: str, name: str, milliseconds: float, failure: str | None) -> None:
    """Adds one measurement, or one failure with its reason."""
    environment.events.request.fire(  # type: ignore[no-untyped-call]
        request_type=kind,
        name=name,
        response_time=milliseconds,
        response_length=0,
        exception=RuntimeError(failure) if failure else None,
        context={},
    )


def measure_lag(environment: Environment) -> NoReturn:
    """How late this process itself is: where this grows, latencies are the generator's, not the server's."""
    while True:
        started = time.monotonic()
        gevent.sleep(LAG_SECONDS)
        late_ms = (time.monotonic() - started - LAG_SECONDS) * 1000
        record(environment, "generator", "the swarm's own lag", max(0.0, late_ms), None)
