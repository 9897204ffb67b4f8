"""The socket's published description is the one the code has."""

from __future__ import annotations

from pathlib import Path

from livecommerce.gateway.asyncapi import document, render

KEPT = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_kept_document_is_current() -> None:
    assert KEPT.read_text("utf-8") == render(), (
        "run: python -m livecommerce.cli asyncapi > docs/asyncapi.json"
    )


def test_every_reference_points_somewhere() -> None:
    schemas = document()["components"]["schemas"]

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    names = {ref.rsplit("/", 1)[1] for ref in references(schemas)}
    assert names <= schemas.keys()
