"""Measurements on their way into locust's statistics."""

from __future__ import annotations

from locust.env import Environment


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
