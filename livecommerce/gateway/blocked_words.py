"""The operator's list of blocked words, read again when its file changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from livecommerce.word_filter import WordFilter, parse_words

LOOK_SECONDS = 2.0

log = logging.getLogger(__name__)


class BlockedWords:
    """The filter made from a file; without the file nothing is blocked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._filter = WordFilter([])
        self.reload()

    def blocks(self, text: str) -> bool:
        """Whether a text contains a blocked word."""
        return self._filter.blocks(text)

    def reload(self) -> None:
        """Reads the file if it changed; where it cannot be read, the words known so far stay in force."""
        try:
            found = self._file.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if mark == self._seen:
                return
            words = parse_words(self._file.read_text("utf-8"))
        except FileNotFoundError:
            words, mark = [], None
        except (OSError, UnicodeDecodeError) as error:
            log.warning("blocked words stay as they are: %s", error)
            return
        if mark != self._seen:
            log.info("%d blocked words", len(words))
            self._filter, self._seen = WordFilter(words), mark

    async def run(self) -> None:
        """Looks at the file until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.reload)
