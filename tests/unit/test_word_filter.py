"""Blocked words are found however they are dressed up, and innocent ones pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.gateway.blocked_words import BlockedWords
from livecommerce.word_filter import WordFilter, parse_words

BLOCKED = WordFilter(["scam", "fake goods", "加微信", "假货"])


@pytest.mark.parametrize(
    "text",
    [
        "This is a SCAM",
        "what a s c a m!",
        "s.c.a.m",
        "ｓｃａｍ",
        "sсаm",  # two Cyrillic letters
        "5c4m",
        "śćàm",
        "s\u200bcam",
        "FAKE   goods here",
        "大家加微信吧",
        "加 微 信",
        "加-微★信",
        "都是假貨假货",
    ],
)
def test_a_blocked_word_is_found(text: str) -> None:
    assert BLOCKED.blocks(text)


@pytest.mark.parametrize(
    "text", ["", "scampi for dinner", "landscam", "goods", "fake", "微信", "好货", "100% good"]
)
def test_innocent_words_pass(text: str) -> None:
    assert not BLOCKED.blocks(text)


def test_without_words_nothing_is_blocked() -> None:
    assert not WordFilter([]).blocks("scam")


def test_a_file_has_a_word_a_line_and_comments() -> None:
    assert parse_words("# blocked\n\nscam\n  假货 \n***\n") == ["scam", "假货"]


def test_an_edited_file_is_read_again_and_an_unreadable_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    words = BlockedWords(file)
    assert not words.blocks("scam")
    file.write_text("scam\n")
    words.reload()
    assert words.blocks("scam")
    file.write_bytes(b"\xff\xfe rubbish")
    words.reload()
    assert words.blocks("scam")
    file.unlink()
    words.reload()
    assert not words.blocks("scam")


@given(st.lists(st.text(min_size=1), max_size=5), st.text())
def test_no_text_breaks_the_filter(words: list[str], text: str) -> None:
    WordFilter(parse_words("\n".join(words))).blocks(text)


@given(st.sampled_from(["scam", "加微信"]), st.text(alphabet=" .-_*~·"), st.booleans())
def test_signs_between_letters_hide_nothing(word: str, sign: str, upper: bool) -> None:
    dressed = (sign[:1]).join(word.upper() if upper else word)
    assert BLOCKED.blocks(f"now {dressed} now")
