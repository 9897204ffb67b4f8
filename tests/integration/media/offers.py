"""Offers as clients send them, recorded or written after their sources."""

from __future__ import annotations

from pathlib import Path

OFFERS = Path(__file__).parents[2] / "unit" / "media" / "offers"


def offer_text(name: str) -> str:
    """Return an offer by its file's name."""
    return (OFFERS / f"{name}.sdp").read_bytes().decode()
