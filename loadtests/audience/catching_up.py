"""The end of a show: everybody in the room hears all that happened, or is named."""

from __future__ import annotations

import time
from collections.abc import Callable

from loadtests.audience.stage import Stage

CATCHING_UP_SECONDS = 90.0
LOOK_SECONDS = 0.2


def catch_up(stage: Stage, wait: Callable[[float], None]) -> None:
    """Waits until everybody in the room has heard what has happened so far; names those who have not."""
    mark = max((visit.offset for visit in stage.inside), default=0)
    waiting = {visit for visit in stage.inside if visit.let_in}
    deadline = time.monotonic() + CATCHING_UP_SECONDS
    while time.monotonic() < deadline:
        waiting = {visit for visit in waiting & stage.inside if visit.offset < mark}
        if not waiting:
            return
        wait(LOOK_SECONDS)
    for visit in waiting:
        stage.witness.contradictions.append(
            f"{visit} is in the room and heard nothing after offset {visit.offset} of {mark}"
        )
