"""The line every benchmark ends with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """A measured value beside a baseline of the same run; `ok` is the comparison with the target."""

    name: str
    value: float
    unit: str
    baseline: float
    baseline_is: str
    ratio: float
    target: str
    ok: bool
    details: dict[str, Any] = field(default_factory=dict)

    def print(self) -> None:
        """Print the result as one JSON object on the last line."""
        print(json.dumps(asdict(self)))
