"""How much script a phone loads before it draws a room, in the client as it is built."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

import livecommerce

STATIC = Path(livecommerce.__file__).parent / "static"
BUDGET_BYTES = 100_000


def scripts_of(page: str, language: str) -> list[Path]:
    """What a page's head has loaded at once: its scripts, and the texts of one language."""
    head = (STATIC / page).read_text()
    texts = re.findall(rf'name="texts-{language}" content="([^"]+)"', head)
    named = re.findall(r'(?:src|href)="([^"]+\.js)"', head)
    assert texts
    return [STATIC / name.removeprefix("/") for name in {*texts, *named}]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_room_is_drawn_with_100_kb_of_compressed_script_at_most(language: str) -> None:
    scripts = scripts_of("room.html", language)
    sizes = {script.name: len(gzip.compress(script.read_bytes())) for script in scripts}
    assert sum(sizes.values()) <= BUDGET_BYTES, sizes
