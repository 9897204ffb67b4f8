"""The words below the fields of structs, for schemas: msgspec itself takes those of the classes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct


def describe_fields(kinds: Iterable[Any], schemas: dict[str, Any]) -> None:
    """Adds to each property what the text below its field says."""
    for struct in _structs(kinds):
        properties = schemas.get(struct.__name__, {}).get("properties", {})
        for name, words in _field_words(struct).items():
            if name in properties:
                properties[name].setdefault("description", words)


def _structs(kinds: Iterable[Any]) -> Iterable[type[Struct]]:
    """Every struct in some types, at any depth."""
    found: dict[type[Struct], None] = {}

    def visit(info: object) -> None:
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in found:
            found[info.cls] = None
            for field in info.fields:
                visit(field.type)
        elif isinstance(info, msgspec.inspect.Type) and not isinstance(info, msgspec.inspect.StructType):
            for name in info.__struct_fields__:
                part = getattr(info, name)
                for one in part if isinstance(part, tuple) else (part,):
                    visit(one)

    for kind in kinds:
        visit(msgspec.inspect.type_info(kind))
    return found


def _field_words(struct: type[Struct]) -> dict[str, str]:
    words: dict[str, str] = {}
    for base in reversed([one for one in struct.__mro__ if one.__module__.startswith("livecommerce.")]):
        [body] = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
        for field, text in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                found = _literal(text)
                if found is not None:
                    words[field.target.id] = " ".join(found.split())
    return words


def _literal(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else None
    return None
