"""A process of the nemesis' own that takes orders a line at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from threading import Lock


class Helper:
    """``python -m module arguments``; each order is answered with one number."""

    def __init__(self, module: str, *arguments: str | int) -> None:
        words = [sys.executable, "-m", module, *map(str, arguments)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._turn = Lock()

    def read(self) -> int:
        """The next number it says."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def order(self, order: Mapping[str, str] | str) -> int:
        """Tells it something, and waits until it is done."""
        line = order if isinstance(order, str) else json.dumps(order)
        assert self._process.stdin is not None
        with self._turn:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            return self.read()

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.communicate()
