"""JSON in and out of the HTTP API: typed on both sides."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecommerce.clock import LAST_MS
from livecommerce.errors import Invalid

MAX_BODY_BYTES = 64 * 1024

_Number = Annotated[int, Meta(ge=-LAST_MS, le=LAST_MS)]

T = TypeVar("T")


async def read(request: Request, kind: type[T]) -> T:
    """The request's body as a value of a type; an empty body counts as ``{}``.

    Raises:
        Invalid: ``bad_request`` (it is not JSON of this form), ``request_too_large``.
    """
    body = await read_body(request, MAX_BODY_BYTES)
    if b"\\u0000" in body:
        raise Invalid("bad_request", reason="no text has a NUL character")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("bad_request", reason=str(error)) from error


def query(request: Request, kind: type[T]) -> T:
    """The query string as a value of a type; what the type does not name is not looked at.

    Raises:
        Invalid: ``bad_request``.
    """
    given = dict(request.query_params)
    if any("\0" in value for value in given.values()):
        raise Invalid("bad_request", reason="no text has a NUL character")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
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
        return msgspec.convert(text, _Number, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("bad_request", reason=f"{name} is not a number, or too large") from error


class Answer(Response, Generic[T]):
    """A response whose body is a value of a type as JSON; caches never keep it: it depends on who asks."""

    media_type = "application/json"

    def __init__(self, value: T, status: int = 200) -> None:
        super().__init__(msgspec.json.encode(value), status, {"cache-control": "no-store"})


def answer(value: T, status: int = 200) -> Answer[T]:
    """A response with a JSON body."""
    return Answer(value, status)


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
