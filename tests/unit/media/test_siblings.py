from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from media.siblings import Relay, Siblings

URLS = ("http://first.test", "http://second.test")


@pytest.mark.parametrize("number", ["1" * 5_000, "\N{ARABIC-INDIC DIGIT ONE}", "2", "-1", "01", ""])
def test_a_session_of_no_process_is_looked_for_here(number: str) -> None:
    assert Siblings(URLS, 0).owner(f"/session/{number}-abc") is None


@pytest.mark.parametrize("room", ["a b", "a\nb", "a?b", "a#b", "a%b", "a%2e%2e"])
async def test_a_path_reaches_the_other_process_as_it_came(room: str) -> None:
    async def name(request: Request) -> Response:
        return PlainTextResponse(request.path_params["room"])

    route = Route("/whip/{room}/{seat}", name, methods=["POST"])
    sibling = httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=[route])))
    siblings = Siblings(URLS, 0)
    seat = next(seat for seat in "abcdefgh" if siblings.owner(f"/whip/{room}/{seat}") == URLS[1])
    relay = Relay(Starlette(), siblings, sibling, ())

    transport = httpx.ASGITransport(relay)
    async with sibling, httpx.AsyncClient(transport=transport, base_url=URLS[0]) as client:
        answer = await client.post(quote(f"/whip/{room}/{seat}"))

    assert (answer.status_code, answer.text) == (200, room)
