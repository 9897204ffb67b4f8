"""Refusals as problem details (RFC 9457), which WHIP and WHEP ask for."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that says what was wrong in words."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(orjson.dumps(body), status, headers, "application/problem+json")
