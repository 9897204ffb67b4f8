"""How the files of the function library share names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pytest

from livecommerce.adapters.redis_library import join, library_files, shared_names

MOST_SHARED = 120
"""Lua takes 200 locals; what is left is for those that a file has for itself."""


OWN = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
USE = re.compile(r"(?<![\w.])(?:([a-z]\w*)(?=\()|([A-Z][A-Z_0-9]*)\b)")


def broken_rules(sources: Mapping[str, str]) -> list[str]:
    code = {name: re.sub(r"--.*|'[^'\n]*'", "", source) for name, source in sources.items()}
    shared = Counter(name for source in sources.values() for name in shared_names(source))
    return [
        *([f"{len(shared)} names are shared"] if len(shared) > MOST_SHARED else []),
        *(f"{name} is defined twice" for name, times in shared.items() if times > 1),
        *(
            f"{name} of {file} hides a shared one"
            for file in code
            for name in OWN.findall(code[file])
            if name in shared
        ),
        *(
            f"{name} of {file} is used nowhere else"
            for file in code
            for name in _needlessly_shared(file, code)
        ),
        *(f"{name} is not for {file}, or not yet" for file in code for name in _out_of_reach(file, code)),
    ]


def _needlessly_shared(file: str, code: Mapping[str, str]) -> list[str]:
    others = " ".join(text for name, text in code.items() if name != file)
    return [name for name in shared_names(code[file]) if not re.search(rf"(?<![\w.]){name}\b", others)]


def _out_of_reach(file: str, code: Mapping[str, str]) -> list[str]:
    """What a file uses before it defines it, or though only another file has it."""
    own = {found[1]: found.start() for found in OWN.finditer(code[file])}
    shared = {name for text in code.values() for name in shared_names(text)}
    foreign = {name for text in code.values() for name in OWN.findall(text)} - own.keys() - shared
    uses = [(found[1] or found[2], found.start()) for found in USE.finditer(code[file])]
    return [name for name, place in uses if name in foreign or place < own.get(name, place)]


SHARING = {"a.lua": "function shared(x)\nend\n", "b.lua": "local function own()\n  shared(1)\nend\n"}


def test_the_library_keeps_its_rules() -> None:
    assert broken_rules(library_files()) == []


def test_a_name_that_another_file_uses_is_well_shared() -> None:
    assert broken_rules(SHARING) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("function alone(x)\nend\n", ["alone of c.lua is used nowhere else"]),
        ("ALONE = 1\n", ["ALONE of c.lua is used nowhere else"]),
        ("-- alone\nlocal x = 'alone'\nfunction alone(x)\nend\n", ["alone of c.lua is used nowhere else"]),
        ("function shared(x)\nend\n", ["shared is defined twice"]),
        ("local function shared(x)\nend\n", ["shared of c.lua hides a shared one"]),
        ("local function x()\n  own()\nend\n", ["own is not for c.lua, or not yet"]),
        (
            "local function x()\n  later()\nend\nlocal function later()\nend\n",
            ["later is not for c.lua, or not yet"],
        ),
        ("local function x()\n  return MOST\nend\nlocal MOST = 1\n", ["MOST is not for c.lua, or not yet"]),
    ],
)
def test_a_planted_breach_is_found(planted: str, found: list[str]) -> None:
    assert broken_rules({**SHARING, "c.lua": planted}) == found


def test_too_many_shared_names_are_found() -> None:
    many = "".join(f"function f{number}()\nend\n" for number in range(MOST_SHARED))
    uses = "\n".join(f"f{number}()" for number in range(MOST_SHARED))
    assert broken_rules({**SHARING, "c.lua": many, "d.lua": uses}) == [f"{MOST_SHARED + 1} names are shared"]


def test_only_what_is_shared_is_declared_for_all_files() -> None:
    assert join(SHARING).splitlines()[2:] == [
        *("local shared", "do -- a.lua", "function shared(x)", "end", "end"),
        *("do -- b.lua", "local function own()", "  shared(1)", "end", "end"),
    ]
