"""Fail points: named places between two steps where a test may end the process.

``FAIL_POINT`` names one; the first process that reaches it creates the file ``FAIL_POINT_MARK`` and kills
itself as a power cut would. Once the file exists, every process passes. Without the variable nothing happens.
Names are string literals at the call, so that a test can enumerate them from the source.
"""

from __future__ import annotations

import os
import signal


def reach(name: str) -> None:
    """Ends the process here if the environment asks for it."""
    if os.environ.get("FAIL_POINT") == name and _first_to_mark(os.environ["FAIL_POINT_MARK"]):
        os.kill(os.getpid(), signal.SIGKILL)


def _first_to_mark(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    os.close(descriptor)
    return True
