"""A session on the socket outlives its token, if the client renews it in time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account, Membership, Person, hash_password
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import COOKIE, SESSION_SECONDS, Door
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.session import session_routes
from livecommerce.gateway.token_watch import AHEAD_MS
from livecommerce.word_filter import WordFilter
from tests.gateway import TestGateway, no_lifespan, running_gateway
from tests.rooms import HOST

SHOP = "http://shop.test"
ROLE = Membership("brand", "s1")
ALMOST_OVER_MS = SESSION_SECONDS * 1000 - AHEAD_MS + 1


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway() as gateway:
        yield gateway


@pytest.fixture
async def browser(gateway: TestGateway, sql: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on our own page; the sign-in routes share the gateway's key."""
    accounts = SqlAccounts(sql, now_ms)
    await accounts.add(
        Account(
            person=HOST, login="mei", name="Mei", password_hash=hash_password("long enough"), roles=(ROLE,)
        )
    )
    door = Door(gateway.tokens, [SHOP])
    routes = session_routes(accounts, door, WordFilter([]), (), now_ms, demo=False, secure=True)
    transport = httpx.ASGITransport(application(routes, no_lifespan, ""))
    async with httpx.AsyncClient(transport=transport, base_url=SHOP, headers={"origin": SHOP}) as client:
        yield client


def wear(browser: httpx.AsyncClient, token: str) -> None:
    """Gives the browser a session cookie."""
    browser.headers["cookie"] = f"{COOKIE}={token}"


def watch(gateway: TestGateway) -> None:
    """The gateway looks at its sessions."""
    gateway.sessions.token_watch.on_time(0)


async def renewal(browser: httpx.AsyncClient) -> str:
    token: str = (await browser.post("/api/session/renewal")).raise_for_status().json()["token"]
    return token


async def test_a_client_is_told_in_time_that_its_token_ends_and_only_once(gateway: TestGateway) -> None:
    async with gateway.viewer(gateway.token()) as host:
        gateway.ahead_ms = ALMOST_OVER_MS - 60_000
        watch(gateway)
        assert (await host.ask(t="ping"))["t"] == "pong"
        assert "expiring" not in {message["t"] for message in host.heard}
        gateway.ahead_ms = ALMOST_OVER_MS
        watch(gateway)
        watch(gateway)
        assert 0 < (await host.until("expiring"))["in_ms"] <= AHEAD_MS
        assert (await host.ask(t="ping"))["t"] == "pong"
        assert [message["t"] for message in host.heard].count("expiring") == 1


async def test_a_session_that_was_renewed_goes_on_over_the_same_connection(
    gateway: TestGateway, browser: httpx.AsyncClient
) -> None:
    token = gateway.token()
    wear(browser, token)
    async with gateway.viewer(token) as host:
        gateway.ahead_ms = ALMOST_OVER_MS
        watch(gateway)
        await host.until("expiring")
        assert (await host.ask(t="refresh", token=await renewal(browser)))["t"] == "ok"
        gateway.ahead_ms = SESSION_SECONDS * 1000 + 60_000  # past the end of the first token
        watch(gateway)
        assert (await host.ask(t="pin", product="p-tea"))["t"] == "ok"


async def test_an_application_renews_with_a_token_of_its_own(gateway: TestGateway) -> None:
    async with gateway.viewer(gateway.token()) as host:
        gateway.ahead_ms = ALMOST_OVER_MS
        watch(gateway)
        await host.until("expiring")
        assert (await host.ask(t="refresh", token=gateway.token()))["t"] == "ok"
        gateway.ahead_ms = SESSION_SECONDS * 1000 + 60_000
        watch(gateway)
        assert (await host.ask(t="pin", product="p-tea"))["t"] == "ok"


async def test_who_does_not_renew_is_closed_with_a_code_that_means_come_back(gateway: TestGateway) -> None:
    async with gateway.viewer(gateway.token()) as host:
        gateway.ahead_ms = SESSION_SECONDS * 1000 + 1
        watch(gateway)
        assert (await host.until("error"))["code"] == "token_expired"
        assert await host.closed() == Close.TOKEN_EXPIRED


async def test_a_nameless_guest_has_no_token_that_could_end(gateway: TestGateway) -> None:
    async with gateway.viewer() as guest:
        gateway.ahead_ms = 10 * SESSION_SECONDS * 1000
        watch(gateway)
        assert (await guest.ask(t="ping"))["t"] == "pong"
        assert {"expiring", "error"}.isdisjoint(message["t"] for message in guest.heard)


async def test_a_renewal_opens_nothing_by_itself(gateway: TestGateway, browser: httpx.AsyncClient) -> None:
    wear(browser, gateway.token())
    token = await renewal(browser)
    async with gateway.socket() as client:
        await client.send(t="join", token=token)
        assert (await client.until("error"))["code"] == "bad_token"
    browser.headers.pop("cookie")
    answer = await browser.get("/api/session", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_renewal_renews_its_own_persons_session_only(
    gateway: TestGateway, browser: httpx.AsyncClient
) -> None:
    wear(browser, gateway.token())
    async with gateway.viewer(gateway.token("p1", "Lin")) as other:
        refused = await other.ask(t="refresh", token=await renewal(browser))
        assert refused["code"] == "other_person"


async def test_the_cookie_is_renewed_too_with_the_roles_of_today(
    gateway: TestGateway, browser: httpx.AsyncClient
) -> None:
    wear(browser, gateway.token(HOST, "An older name", Membership("operator")))
    answer = await browser.post("/api/session/renewal")
    kept = answer.headers["set-cookie"]
    assert "HttpOnly" in kept
    person = gateway.tokens.read(kept.split(";")[0].partition("=")[2]).person
    assert person == Person(person=HOST, name="Mei", roles=(ROLE,))


async def test_a_guest_keeps_the_name_it_came_with(gateway: TestGateway, browser: httpx.AsyncClient) -> None:
    token = gateway.token("g1", "Lin", guest=True)
    wear(browser, token)
    person = gateway.tokens.read_refresh(await renewal(browser)).person
    assert person == Person(person="g1", name="Lin", guest=True)


@pytest.mark.parametrize("origin", ["https://evil.test", None])
async def test_another_sites_page_renews_nothing(
    gateway: TestGateway, browser: httpx.AsyncClient, origin: str | None
) -> None:
    wear(browser, gateway.token())
    del browser.headers["origin"]
    answer = await browser.post("/api/session/renewal", headers={"origin": origin} if origin else {})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_who_has_no_session_or_no_account_any_more_renews_nothing(
    gateway: TestGateway, browser: httpx.AsyncClient
) -> None:
    assert (await browser.post("/api/session/renewal")).status_code == 401
    bearer = {"authorization": f"Bearer {gateway.token()}"}
    assert (await browser.post("/api/session/renewal", headers=bearer)).status_code == 401
    wear(browser, gateway.token("gone", "Lin"))
    assert (await browser.post("/api/session/renewal")).status_code == 401
