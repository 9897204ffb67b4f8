"""Bodies of the HTTP API are typed and bounded."""

from __future__ import annotations

import msgspec
import pytest
from starlette.requests import Request

from livecommerce.errors import Invalid
from livecommerce.gateway.http.json import MAX_BODY_BYTES, answer, query_number, read


class Wish(msgspec.Struct):
    """A body."""

    count: int = 1
    name: str = ""


def request(body: bytes, query: bytes = b"") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": query}
    return Request(scope, receive)


async def test_a_body_becomes_a_typed_value() -> None:
    assert await read(request(b'{"count":3}'), Wish) == Wish(3)


async def test_an_empty_body_is_an_empty_object() -> None:
    assert await read(request(b""), Wish) == Wish(1)


DEEP = b'{"x":' + b"[" * 60_000


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"count":"many"}', b'{"name":"\xff"}', DEEP])
async def test_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="bad_request"):
        await read(request(body), Wish)


async def test_a_body_without_end_is_cut_off() -> None:
    with pytest.raises(Invalid, match="request_too_large"):
        await read(request(b" " * (MAX_BODY_BYTES + 1)), Wish)


def test_query_numbers_have_a_default_and_a_form() -> None:
    assert query_number(request(b"", b"limit=5"), "limit", 50) == 5
    assert query_number(request(b""), "limit", 50) == 50
    for text in (b"five", b"9" * 30, b"-" + b"9" * 30, b"1e300", b"253402214400000"):
        with pytest.raises(Invalid, match="bad_request"):
            query_number(request(b"", b"limit=" + text), "limit", 50)


def test_answers_are_json_that_no_cache_keeps() -> None:
    response = answer(Wish(2), 201)
    assert (response.status_code, response.body) == (201, b'{"count":2,"name":""}')
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
