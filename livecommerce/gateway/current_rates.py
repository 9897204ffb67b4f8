"""The operator's rates, read again when their file changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from livecommerce.fees import BUILT_IN, RateBook
from livecommerce.rates_file import BadRates, read_rates

LOOK_SECONDS = 2.0

log = logging.getLogger(__name__)


def load_rates(file: Path) -> RateBook:
    """The rates of a file.

    Raises:
        BadRates: it cannot be read or is wrong; each problem names the file.
    """
    try:
        return read_rates(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRates([f"{file}: {error}"]) from error
    except BadRates as error:
        raise BadRates([f"{file}: {problem}" for problem in error.problems]) from error


def rates_at_start(file: Path, *, optional: bool) -> RateBook:
    """The rates to begin with: built-in ones where an optional file does not exist.

    Raises:
        BadRates: selling at rates that nobody has set would be worse than not to start.
    """
    return BUILT_IN if optional and not file.exists() else load_rates(file)


class CurrentRates:
    """The rates in force; a file that disappears, or is wrong, leaves those that are known."""

    def __init__(self, file: Path, *, optional: bool) -> None:
        self._file = file
        self._seen = self._mark()
        self._book = rates_at_start(file, optional=optional)

    def __call__(self) -> RateBook:
        return self._book

    def reload(self) -> None:
        """Reads the file if it changed."""
        mark = self._mark()
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self._book = load_rates(self._file)
        except BadRates as error:
            log.error("rates stay as they are: %s", "; ".join(error.problems))
        else:
            log.info("rates are now those of %s", self._file)

    async def run(self) -> None:
        """Looks at the file until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.reload)

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
