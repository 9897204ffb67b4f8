"""One run as a page that needs nothing else, and as data beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from loadtests.report.page import render
from loadtests.run import Run


def write_report(run: Run, folder: Path, tell: Callable[[str], None]) -> None:
    """Writes ``index.html`` and ``report.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    (folder / "index.html").write_text(render(run), "utf-8")
    tell(f"Report: {folder / 'index.html'}")
