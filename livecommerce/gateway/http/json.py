"""JSON in and out of the HTTP API: typed on both sides."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livecommerce.errors import Invalid

MAX_BODY_BYTES = 64 * 1024

T = TypeVar("T")


async def read(request: Request, kind: type[T]) -> T:
    """The request's body as a value of a type; an empty body counts as ``{}``.

    Raises:
        Invalid: ``bad_request`` (it is not JSON of this form), ``request_too_large``.
    """
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("bad_request", reason=str(error)) from error


def query_number(request: Request, name: str, default: int) -> int:
    """A whole number of the query string.

    Raises:
        Invalid: ``bad_request``.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return msgspec.convert(text, int, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("bad_request", reason=f"{name} is not a number") from error


def answer(value: object, status: int = 200) -> Response:
    """A response with a JSON body; never kept by caches, for it depends on who asks."""
    return Response(
        msgspec.json.encode(value), status, {"cache-control": "no-store"}, media_type="application/json"
    )


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body, as long as it is within a limit in bytes.

    Raises:
        Invalid: ``request_too_large``.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Invalid("request_too_large", max=limit)
    return bytes(body)
