"""Draws can be made again by anybody, and a draw that was tampered with is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.cli import main
from livecommerce.lottery import Draw, Entry, Seeds, commit_to, faults_of, make_draw

SEED = "5e" * 32
SALE = "00" + "S" * 26
ENTRANTS = [Entry(entry=f"zz{number:026d}", units=1 + number % 2) for number in range(9)]
DRAW = make_draw(SALE, SEED, 5, ENTRANTS)

entries = st.lists(
    st.builds(Entry, entry=st.text("0123456789ABCDEF", min_size=4, max_size=4), units=st.integers(1, 5)),
    unique_by=lambda entrant: entrant.entry,
    max_size=30,
)


@given(entries, st.integers(0, 40), st.randoms())
def test_the_order_of_arrival_makes_no_difference(entrants: list[Entry], units: int, random: Any) -> None:
    shuffled = list(entrants)
    random.shuffle(shuffled)
    assert make_draw(SALE, SEED, units, shuffled) == make_draw(SALE, SEED, units, entrants)


@given(entries, st.integers(0, 40))
def test_all_units_are_given_out_or_everybody_has_what_was_wished_for(
    entrants: list[Entry], units: int
) -> None:
    draw = make_draw(SALE, SEED, units, entrants)
    assert sum(winner.units for winner in draw.winners) == min(units, sum(one.units for one in entrants))
    assert [winner.entry for winner in draw.winners] == list(draw.order[: len(draw.winners)])
    assert faults_of(draw) == []


def test_a_draw_that_was_written_down_once_stays_as_it_is() -> None:
    assert [int(entry[2:]) for entry in DRAW.order] == [0, 4, 2, 3, 7, 5, 8, 1, 6]
    assert DRAW.digest == "560904752302255bf8ccc5c46457f7e55429a6ff069e58c082857999031f1cd5"


@dataclass(frozen=True)
class Forgery:
    """One field of an export that somebody changed."""

    name: str
    value: Any


FORGERIES = [
    Forgery("sale", "00" + "T" * 26),
    Forgery("commit", commit_to("00" * 32)),
    Forgery("seed", "00" * 32),
    Forgery("seed", "not a seed"),
    Forgery("units", 6),
    Forgery("digest", "00" * 32),
    Forgery("entrants", DRAW.entrants[1:]),
    Forgery("entrants", (replace(DRAW.entrants[0], units=3), *DRAW.entrants[1:])),
    Forgery("entrants", (*DRAW.entrants, DRAW.entrants[0])),
    Forgery("entrants", DRAW.entrants[::-1]),
    Forgery("order", DRAW.order[::-1]),
    Forgery("winners", DRAW.winners[1:]),
    Forgery("winners", (replace(DRAW.winners[0], entry=DRAW.order[-1]), *DRAW.winners[1:])),
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_changed_field_is_found(forgery: Forgery, tmp_path: Path) -> None:
    forged = replace(DRAW, **{forgery.name: forgery.value})
    assert faults_of(forged)
    assert main(["sale", "verify", str(written(forged, tmp_path))]) == 1


def written(draw: Draw, folder: Path) -> Path:
    file = folder / "draw.json"
    file.write_bytes(msgspec.json.encode(draw))
    return file


def test_a_genuine_draw_is_said_to_be_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(DRAW, tmp_path)
    assert main(["sale", "verify", str(file), "--commit", DRAW.commit, "--digest", DRAW.digest]) == 0
    assert "genuine. 9 entered for 5 units" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--commit", "--digest"])
def test_a_draw_that_is_not_the_published_one_is_found(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sale", "verify", str(written(DRAW, tmp_path)), option, "00" * 32]) == 1
    assert "not the one that the room showed" in capsys.readouterr().err


def test_a_file_that_is_no_draw_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "draw.json"
    assert main(["sale", "verify", str(file)]) == 1
    file.write_text('{"sale": 1}')
    assert main(["sale", "verify", str(file)]) == 1
    assert "draw.json" in capsys.readouterr().err


def test_the_seed_of_a_sale_is_its_own_and_needs_the_secret() -> None:
    ours, theirs = Seeds(b"ours"), Seeds(b"theirs")
    assert len({ours.seed("a"), ours.seed("b"), theirs.seed("a")}) == 3
    assert ours.commit("a") == commit_to(ours.seed("a"))
