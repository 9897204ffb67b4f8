"""The HTTP API's published description is the one the code has, and it leaves nothing out."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route

from livecommerce.app.gateway import gateway_routes
from livecommerce.gateway.http.operation import Operation
from livecommerce.gateway.http.pages import PAGES
from livecommerce.gateway.openapi import PARAMETERS, TAGS, document, operation_id, render

REPOSITORY = Path(__file__).parents[2]
KEPT = REPOSITORY / "docs" / "openapi.json"

PARTS = {
    "/whip/{room}/{seat}",
    "/whep/{room}/{seat}",
    "/sandbox",
    "/assets",
    "/demo",
    "/favicon.svg",
    "/favicon.ico",
    *PAGES,
}
"""What a gateway answers beside its API: WHIP and WHEP, the client's files, and the sandbox provider."""


@pytest.fixture(scope="module")
def routes() -> list[BaseRoute]:
    return asyncio.run(gateway_routes())


@pytest.fixture(scope="module")
def operations(routes: list[BaseRoute]) -> list[Operation]:
    return [route for route in routes if isinstance(route, Operation)]


def test_the_kept_document_is_current(routes: list[BaseRoute]) -> None:
    assert KEPT.read_text("utf-8") == render(routes), (
        "the API has changed; run: python -m livecommerce.cli openapi > docs/openapi.json"
    )


def test_nothing_is_mounted_that_is_not_described(routes: list[BaseRoute]) -> None:
    others = [route for route in routes if not isinstance(route, Operation)]
    paths = {route.path for route in others if isinstance(route, Route | Mount)}
    assert paths <= PARTS, (
        f"{paths - PARTS}: make them operations of a Resource (livecommerce/gateway/http/operation.py)"
    )
    assert all(isinstance(route, Route | Mount) for route in others)


def test_every_operation_says_what_it_does(operations: list[Operation]) -> None:
    silent = [f"{one.method} {one.path}" for one in operations if not one.endpoint.__doc__]
    assert not silent, "give their handlers a docstring: its first sentence is the summary"


def test_every_heading_and_every_parameter_of_a_path_is_explained(operations: list[Operation]) -> None:
    assert {one.tag for one in operations} == set(TAGS), "see TAGS in livecommerce/gateway/openapi.py"
    named = {name for one in operations for name in one.param_convertors}
    assert named == set(PARAMETERS), "see PARAMETERS in livecommerce/gateway/openapi.py"


def test_no_two_operations_are_called_the_same(operations: list[Operation]) -> None:
    assert [name for name, times in Counter(map(operation_id, operations)).items() if times > 1] == [], (
        "rename their handlers"
    )


def test_no_two_types_are_called_the_same(routes: list[BaseRoute]) -> None:
    doubled = [name for name in document(routes)["components"]["schemas"] if "." in name]
    assert not doubled, "msgspec tells them apart by their modules; rename one of each pair"


def test_clients_have_words_for_every_code(operations: list[Operation]) -> None:
    codes = {code for one in operations for codes in one.refuses.values() for code in codes}
    for texts in (REPOSITORY / "clients" / "web" / "src" / "texts").glob("*/errors.ts"):
        known = set(re.findall(r"'error\.(\w+)'", texts.read_text("utf-8")))
        assert codes <= known, f"add them to {texts.relative_to(REPOSITORY)}"


def test_every_reference_points_somewhere(routes: list[BaseRoute]) -> None:
    made = document(routes)

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    names = {ref.rsplit("/", 1)[1] for ref in references(made)}
    assert names == made["components"]["schemas"].keys()


def test_fields_are_described_by_the_words_below_them(routes: list[BaseRoute]) -> None:
    session = document(routes)["components"]["schemas"]["SessionView"]["properties"]
    assert session["person"]["description"] == "Null: nobody is signed in."
