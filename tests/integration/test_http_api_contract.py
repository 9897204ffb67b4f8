"""The HTTP API does what its document says, whatever is asked and whoever asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from tests.integration.api_site import PEOPLE, ApiSite
from tests.servers import ValkeyServer

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"

EXAMPLES = int(os.environ.get("API_EXAMPLES", "6"))
"""Of an operation, beside those at the edges of its types, which are always tried."""
IS_FIXED = "API_EXAMPLES" not in os.environ
"""With a number of examples of one's own they are drawn at random; Hypothesis prints what failed."""

API = schemathesis.openapi.from_path(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {"generation": {"with-security-parameters": False, "allow-x00": False}}
    ),
)

LAWS: list[Any] = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
    ]
)

FLOAT = "Expected `int`, got `float`"
"""1.0 is an integer to JSON Schema, and none to us."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    """A gateway of this module's own: what is asked here would confuse others."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    site = ApiSite(tmp_path_factory.mktemp("site"), server.url)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        server.stop()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all that is asked."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


numbers = count()


@API.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=IS_FIXED,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_names(
    case: Case[Any], site: ApiSite, session: requests.Session
) -> None:
    is_good = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    case.path_parameters = site.existing(case.path_parameters or {}, next(numbers))
    for who in PEOPLE if is_good else ["operator"]:
        response = case.call(base_url=site.url, session=session, headers=site.headers(who))
        case.validate_response(response, checks=LAWS)
        if is_good and response.status_code == 422:
            error = response.json()["error"]
            assert error["code"] != "bad_request" or FLOAT in error["params"]["reason"], error
