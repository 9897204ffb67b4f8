"""Texts that shops write in several languages."""

from __future__ import annotations

LocalText = dict[str, str]
"""BCP 47 language → text, e.g. ``{"zh-CN": "雨伞", "en": "Umbrella"}``; at least one entry."""


def same_in_all(text: str) -> LocalText:
    """A text that its author wrote once; clients fall back to it in every language."""
    return {"und": text}


def in_language(text: LocalText, language: str) -> str:
    """A text in a language, else in a relative of it, else in its first one; empty if there is none."""
    if language in text:
        return text[language]
    family = language.split("-")[0]
    related = (words for tag, words in text.items() if tag.split("-")[0] == family)
    return next(related, next(iter(text.values()), ""))
