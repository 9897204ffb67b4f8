"""What this is measured on."""

from __future__ import annotations

import platform
from pathlib import Path


def machine() -> str:
    """What this was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    cores = sum(line.startswith("processor") for line in _lines("/proc/cpuinfo"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores of {model}, {platform.system()} {platform.release()}, {python}"


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except OSError:
        return []
