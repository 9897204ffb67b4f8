"""The fail points of the program, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import livecommerce

ROOT = Path(livecommerce.__file__).parent


def fail_points(*families: str) -> list[str]:
    """Every name given to ``reach`` whose part before the dot is one of the families."""
    names = {name for file in ROOT.rglob("*.py") for name in _names(file)}
    return sorted(name for name in names if name.split(".")[0] in families)


def _names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="reach"), args=[ast.Constant(value=str(name))]):
                yield name
