"""One run as a page and as data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from loadtests.run import Run


def write_report(run: Run, folder: Path, tell: Callable[[str], None]) -> None:
    """``index.html``, which needs nothing else, and ``report.json`` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    tell(f"Report: {folder / 'index.html'}")
