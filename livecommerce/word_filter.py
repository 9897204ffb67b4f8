"""Finds blocked words however they are dressed up.

Text is compared in a normal form: compatibility characters composed (NFKC), case folded, look-alike letters
of other scripts and digits put back, marks and inserted signs removed. Words of scripts that are written
without spaces are found anywhere; others only as whole words, so that innocent words that contain a blocked
one pass.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

import ahocorasick

_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("аеорсухікмтнв", "aeopcyxikmthb", strict=True)),  # Cyrillic
        **dict(zip("αεορτυνικβ", "aeoptuvikb", strict=True)),  # Greek
        **dict(zip("013457@$", "oieastas", strict=True)),
        "l": "i",  # an l, an i and a 1 are one letter here
    }
)
"""Letters of other scripts, digits and signs that stand in for Latin letters."""

_SIGNS = re.compile(r"[^\w\s]|_")
"""Whatever is neither letter, digit nor space."""


class WordFilter:
    """A set of blocked words; finding them costs one pass over the text, however many there are."""

    def __init__(self, words: Iterable[str]) -> None:
        known = list(words)
        spelled = [word for word in known if not _unspaced(word)]
        self._anywhere = _automaton(_squash(word) for word in known if _unspaced(word))
        self._whole = _automaton(f" {_spaced(word)} " for word in spelled)
        self._spread = _automaton(_squash(word) for word in spelled)

    def blocks(self, text: str) -> bool:
        """Whether a text contains a blocked word."""
        words = _words(text)
        return (
            _finds(self._anywhere, "".join(words))
            or _finds(self._whole, f" {' '.join(words)} ")
            or any(_finds(self._spread, run) for run in _spread_out(words))
        )


def parse_words(text: str) -> list[str]:
    """The words of a file: one a line; blank lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#") and _squash(line)]


def _squash(text: str) -> str:
    """A text's letters and digits in normal form, nothing between them."""
    return "".join(_words(text))


def _spaced(text: str) -> str:
    """A text's words in normal form."""
    return " ".join(_words(text))


def _spread_out(words: Sequence[str]) -> list[str]:
    """Letters that stand alone one after the other, put together: ``s c a m`` → ``scam``."""
    runs = ("".join(run) for alone, run in groupby(words, lambda word: len(word) == 1) if alone)
    return [run for run in runs if len(run) > 1]


def _words(text: str) -> list[str]:
    return _SIGNS.sub("", _folded(text)).split()


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold().translate(_LOOK_ALIKES)  # nothing in it to decompose or to compose
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKES)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return unicodedata.normalize("NFKC", bare)


def _unspaced(word: str) -> bool:
    """Whether a word has ideographs, kana or the like: scripts written without spaces."""
    return any(ord(ch) >= 0x2E80 for ch in word)


def _automaton(words: Iterable[str]) -> ahocorasick.Automaton | None:
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word, word)
    if not len(automaton):
        return None
    automaton.make_automaton()
    return automaton


def _finds(automaton: ahocorasick.Automaton | None, text: str) -> bool:
    return automaton is not None and next(automaton.iter(text), None) is not None
