"""Signing in over HTTP: who may, from where, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from livecommerce.accounts import Account, hash_password
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.session import ATTEMPTS, session_routes
from livecommerce.word_filter import WordFilter
from tests.gateway import SECRET, no_lifespan

URL = "http://shop.test"
PASSWORD = "correct horse battery"


@pytest.fixture
async def accounts(sql: AsyncEngine) -> SqlAccounts:
    accounts = SqlAccounts(sql, now_ms)
    await accounts.add(Account(person="p1", login="mei", name="Mei", password_hash=hash_password(PASSWORD)))
    return accounts


def app(accounts: SqlAccounts, *, demo: bool = False) -> Starlette:
    door = Door(Tokens(SECRET, now_ms), [URL])
    words = WordFilter(["scam"])
    return application(
        session_routes(accounts, door, words, (), now_ms, demo=demo, secure=True), no_lifespan, ""
    )


def client_from(app: Starlette, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url=URL, headers={"origin": URL})


@pytest.fixture
async def browser(accounts: SqlAccounts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_from(app(accounts), "127.0.0.1") as client:
        yield client


def code(response: httpx.Response) -> str:
    found: str = response.json()["error"]["code"]
    return found


async def sign_in(browser: httpx.AsyncClient, password: str = PASSWORD, login: str = "mei") -> httpx.Response:
    return await browser.post("/api/session", json={"login": login, "password": password})


async def test_a_good_password_signs_in_and_out(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, login=" Mei ")
    assert answer.json()["person"]["name"] == "Mei"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" in cookie
    browser.headers["cookie"] = answer.headers["set-cookie"].split(";")[0]
    assert (await browser.get("/api/session")).json()["person"]["person"] == "p1"
    assert (await browser.delete("/api/session")).status_code == 204


async def test_a_wrong_password_and_an_unknown_login_sound_the_same(browser: httpx.AsyncClient) -> None:
    answers = [await sign_in(browser, "wrong horse"), await sign_in(browser, login="nobody")]
    assert {(answer.status_code, code(answer)) for answer in answers} == {(401, "bad_credentials")}


async def test_guessing_in_parallel_is_stopped_though_one_guess_is_right(
    browser: httpx.AsyncClient,
) -> None:
    guesses = [sign_in(browser, f"wrong horse {number}") for number in range(ATTEMPTS)]
    answers = await asyncio.gather(*guesses, sign_in(browser))
    assert sorted({answer.status_code for answer in answers}) == [401, 429]
    assert answers[-1].status_code == 429


async def test_who_is_turned_away_uses_up_nobody_elses_tries(accounts: SqlAccounts) -> None:
    gateway = app(accounts)
    async with client_from(gateway, "192.0.2.6") as one, client_from(gateway, "192.0.2.7") as another:
        for number in range(ATTEMPTS):
            await sign_in(one, login=f"somebody {number}")
        for _ in range(ATTEMPTS):
            assert (await sign_in(one, "wrong horse")).status_code == 429

        assert (await sign_in(another)).status_code == 200


async def test_a_whole_ipv6_network_guesses_as_one_address(accounts: SqlAccounts) -> None:
    gateway, statuses = app(accounts), []
    for number in range(ATTEMPTS + 1):
        async with client_from(gateway, f"2001:db8::{number:x}") as one:
            statuses.append((await sign_in(one, login=f"somebody {number}")).status_code)
    assert statuses == [401] * ATTEMPTS + [429]


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "//", "http://shop.test@evil.example"])
async def test_an_origin_that_is_none_is_refused(browser: httpx.AsyncClient, origin: str) -> None:
    browser.headers["origin"] = origin
    answer = await sign_in(browser)
    assert (answer.status_code, code(answer)) == (403, "foreign_origin")


async def test_another_sites_page_cannot_sign_anybody_in(browser: httpx.AsyncClient) -> None:
    browser.headers["origin"] = "https://evil.example"
    for path, body in (("", {"login": "mei", "password": PASSWORD}), ("/guest", {"nickname": "Lin"})):
        answer = await browser.post(f"/api/session{path}", json=body)
        assert (answer.status_code, code(answer)) == (403, "foreign_origin")
        assert "set-cookie" not in answer.headers


async def test_a_guest_has_a_name_that_may_be_shown(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/api/session/guest", json={"nickname": " Lin  "})
    assert (answer.json()["person"]["name"], answer.json()["person"]["role"]) == ("Lin", "guest")
    for nickname, expected in (("s.c.a.m", "blocked_word"), ("", "bad_nickname")):
        refused = await browser.post("/api/session/guest", json={"nickname": nickname})
        assert code(refused) == expected


async def test_one_click_sign_in_exists_in_the_demo_only(
    browser: httpx.AsyncClient, accounts: SqlAccounts
) -> None:
    assert code(await browser.post("/api/session/demo", json={"role": "host"})) == "demo_only"
    transport = httpx.ASGITransport(app(accounts, demo=True))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as demo:
        assert code(await demo.post("/api/session/demo", json={"role": "host"})) == "demo_not_seeded"


@pytest.mark.parametrize("body", ["", "{", "[]", '{"login":1}', '{"login":"' + "x" * 70_000 + '"}'])
async def test_rubbish_is_refused_in_words(browser: httpx.AsyncClient, body: str) -> None:
    answer = await browser.post("/api/session", content=body)
    assert answer.status_code == 422
    assert code(answer) in ("bad_request", "request_too_large")
