from __future__ import annotations

import re
from pathlib import Path

from media.settings import Settings

ROOT = Path(__file__).parents[3]
TESTS = [
    *(ROOT / "tests/integration/media").glob("*.py"),
    *(ROOT / "tests/unit/media").glob("*.py"),
    *(ROOT / "tests/e2e/media").glob("*.py"),
    ROOT / "tests/integration/test_media_plane.py",
]


def test_every_row_of_the_conformance_table_names_a_test_that_exists() -> None:
    named = re.findall(r"`(?:[\w/]+\.py::)?(test_\w+)`", (ROOT / "docs/whip-whep.md").read_text())
    existing = {
        name for path in TESTS for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 25
    assert set(named) - existing == set()


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs/media.md").read_text()
    settings = Settings.from_environment({"TOKEN_SECRET": "a secret of thirty-two bytes or more"})

    for variable in re.findall(r'"((?:MEDIA|TOKEN)_\w+)"', (ROOT / "media/settings.py").read_text()):
        assert f"`{variable}`" in page
    for value in (settings.host, settings.port, settings.udp_port, *settings.advertise):
        assert f"`{value}`" in page
