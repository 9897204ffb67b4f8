"""The page on real time tells writers of clients everything, and the browser's client does everything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from livecommerce.gateway.close_codes import Close
from livecommerce.room.events import RoomEvent

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "realtime.md").read_text("utf-8").partition("## Writing a client")[2]
STATE = (ROOT / "clients" / "web" / "src" / "state.ts").read_text("utf-8")
EVENTS = [str(kind.__struct_config__.tag) for kind in get_args(RoomEvent)]


@pytest.mark.parametrize("event", EVENTS)
def test_every_control_message_has_its_effect_told_and_drawn(event: str) -> None:
    assert re.search(rf"^\|[^|]*`{re.escape(event)}`", PAGE, re.M)
    assert f"case '{event}':" in STATE


@pytest.mark.parametrize("code", list(Close))
def test_every_close_code_is_explained(code: Close) -> None:
    assert re.search(rf"^\|[^|]*\b{code.value}\b", PAGE, re.M)


def test_the_measured_table_is_the_one_that_performance_md_explains() -> None:
    table = measured(ROOT / "docs" / "realtime.md")
    assert table == measured(ROOT / "docs" / "performance.md")
    names = set(re.findall(r"^\| `([a-z-]+)`", table, re.M))
    assert names == {"fanout", "fanout-max", "idle", "join", "comments", "nodes"}


def measured(page: Path) -> str:
    """The table of the realtime plane."""
    found = re.search(
        r"^\| benchmark \| value \| baseline \|[^\n]*\n(?:\|[^\n]*\n)+", page.read_text("utf-8"), re.M
    )
    assert found is not None
    return found.group()
