"""The page on security keeps its word."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_attack_names_tests_and_every_named_test_exists() -> None:
    rows = re.findall(r"^\| (?!attack|-)(.+) \|$", (ROOT / "docs" / "security.md").read_text("utf-8"), re.M)
    written = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    assert rows
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, row
        assert named <= written, named - written
