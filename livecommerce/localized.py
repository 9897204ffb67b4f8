"""Texts that shops write in several languages."""

from __future__ import annotations

LocalText = dict[str, str]
"""BCP 47 language → text, e.g. ``{"zh-CN": "雨伞", "en": "Umbrella"}``; at least one entry."""


def same_in_all(text: str) -> LocalText:
    """A text that its author wrote once; clients fall back to it in every language."""
    return {"und": text}
