"""Signing out everywhere: by oneself, an operator, and the command line; on every gateway at once."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account, Membership, Person, hash_password
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_revocations import RedisRevocations
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Tokens
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.http.sign_outs import sign_out_routes
from livecommerce.person_cli import add_person_commands
from livecommerce.revocation import Revocation
from livecommerce.revoke_cli import revoke
from livecommerce.room.bus import DEPLOYMENT, Publication, Revoked
from livecommerce.settings import BadSetting, Settings
from tests.fakes import FakeBus, FakeRooms
from tests.gateway import SECRET, TestGateway, no_lifespan, running_gateway
from tests.servers import ValkeyServer

LIN = "zz" + "L" * 26
OPERATOR = "zz" + "O" * 26


class Deployment:
    """Two gateways, and the HTTP side of the first."""

    def __init__(self, one: TestGateway, two: TestGateway, accounts: SqlAccounts) -> None:
        self.one, self.two = one, two
        trail = RequestTrail(one.audit, now_ms)
        routes = sign_out_routes(accounts, one.revocations, trail, one.door, now_ms)
        transport = httpx.ASGITransport(application(routes, no_lifespan, ""))
        self.http = httpx.AsyncClient(transport=transport, base_url=f"http://{one.address}")

    async def operator_signs_out(self, who: str, **operator: str) -> httpx.Response:
        token = self.one.token(OPERATOR, "Op", Membership("operator"))
        headers = {"authorization": f"Bearer {operator.get('token', token)}"}
        return await self.http.post("/api/sign-outs", json={"who": who}, headers=headers)


@pytest.fixture
async def deployment(sql: AsyncEngine) -> AsyncIterator[Deployment]:
    accounts = SqlAccounts(sql, now_ms)
    await accounts.add(lin())
    store, bus = FakeRooms(), FakeBus()
    async with running_gateway(store, bus, "one") as one, running_gateway(store, bus, "two") as two:
        two.revocations.kept = one.revocations.kept
        deployment = Deployment(one, two, accounts)
        yield deployment
        await deployment.http.aclose()


def lin() -> Account:
    return Account(person=LIN, login="lin", name="Lin", password_hash=hash_password("correct horse"))


async def test_whoever_signs_out_everywhere_leaves_every_gateway_and_no_old_token_opens_one(
    deployment: Deployment,
) -> None:
    one, two, http = deployment.one, deployment.two, deployment.http
    token = one.token(LIN, "Lin")
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(one.viewer(token))
        tablet = await stack.enter_async_context(two.viewer(one.token(LIN, "Lin")))
        other = await stack.enter_async_context(two.viewer(one.token("zz" + "A" * 26, "Ann")))
        answer = await http.delete("/api/session/everywhere", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 204
        assert await phone.closed() == await tablet.closed() == Close.SIGNED_OUT
        async with two.socket() as again:
            await again.send(t="join", token=token)
            assert (await again.until("error"))["code"] == "signed_out"
            assert await again.closed() == Close.SIGNED_OUT
        refused = await http.delete("/api/session/everywhere", headers={"authorization": f"Bearer {token}"})
        assert refused.json()["error"]["code"] == "signed_out"
        await stack.enter_async_context(two.viewer(one.token(LIN, "Lin")))
        assert (await other.ask(t="comment", text="I stay"))["result"] == "delivered"


async def test_a_token_revoked_while_its_room_loads_is_not_let_in(deployment: Deployment) -> None:
    two = deployment.two
    token = two.token(LIN, "Lin")
    load = two.store.load

    async def slow_load(room: str) -> object:
        loaded = await load(room)
        await deployment.one.revocations.revoke(Revocation(person=LIN, before_ms=now_ms()))
        return loaded

    two.store.load = slow_load  # type: ignore[method-assign, assignment]
    async with two.socket() as client:
        await client.send(t="join", token=token)
        assert await client.closed() == Close.SIGNED_OUT


async def test_a_session_cannot_be_renewed_with_a_revoked_token(deployment: Deployment) -> None:
    one = deployment.one
    old = Tokens(SECRET, lambda: now_ms() - 60_000).mint(Person(person=LIN, name="Lin"))[0]
    await one.revocations.revoke(Revocation(person=LIN, before_ms=now_ms() - 30_000))
    async with one.viewer(one.token(LIN, "Lin")) as client:
        assert (await client.ask(t="refresh", token=old))["code"] == "signed_out"


@pytest.mark.parametrize("who", ["lin", " LIN ", LIN])
async def test_an_operator_signs_somebody_out_by_login_or_id(deployment: Deployment, who: str) -> None:
    async with deployment.two.viewer(deployment.two.token(LIN, "Lin")) as client:
        answer = await deployment.operator_signs_out(who)
        assert answer.json() == {"person": LIN, "name": "Lin"}
        assert await client.closed() == Close.SIGNED_OUT
    (entry,) = deployment.one.audit.entries.values()
    assert (entry.actor, entry.action, entry.subject) == (OPERATOR, "person.revoke", LIN)


async def test_nobody_else_signs_others_out_and_nobody_means_nobody(deployment: Deployment) -> None:
    token = deployment.one.token(LIN, "Lin", Membership("host", "shop"))
    refused = await deployment.operator_signs_out("lin", token=token)
    assert refused.json()["error"]["code"] == "role_required"
    unknown = await deployment.operator_signs_out("no such person!")
    assert unknown.json()["error"]["code"] == "person_not_found"
    assert deployment.one.revocations.kept == {}


async def test_a_gateway_that_missed_a_revocation_reads_it_when_the_bus_is_back(
    deployment: Deployment,
) -> None:
    two = deployment.two
    async with two.viewer(two.token(LIN, "Lin")) as client:
        two.revocations.kept[LIN] = now_ms()  # kept, and not told
        two.sign_outs.fell_behind()
        assert await client.closed() == Close.SIGNED_OUT


async def test_redis_tells_every_gateway_at_once(redis: Connection, valkey: ValkeyServer) -> None:
    subscriber = connect(valkey.url)
    heard = asyncio.Queue[Publication]()
    bus = RedisBus(subscriber, lambda: None)
    running = asyncio.create_task(bus.run())
    try:
        await bus.ready()
        await bus.subscribe(DEPLOYMENT, heard.put_nowait)
        await RedisRevocations(redis).revoke(Revocation(person=LIN, before_ms=7))
        assert await asyncio.wait_for(heard.get(), 5) == Revoked(Revocation(person=LIN, before_ms=7))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await subscriber.aclose()


async def test_the_command_line_signs_somebody_out_and_writes_it_down(
    redis: Connection, valkey: ValkeyServer, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, redis_url=valkey.url)
    await migrate(settings.sql_url)
    engine = open_sql(settings.sql_url)
    try:
        await SqlAccounts(engine, now_ms).add(lin())
        assert await revoke(settings, "lin") == (LIN, "Lin")
        assert [one.person for one in await RedisRevocations(redis).all()] == [LIN]
        (entry,) = await SqlAudit(engine).of_subject(LIN)
        assert (entry.actor, entry.action) == ("command line", "person.revoke")
    finally:
        await engine.dispose()


def test_the_command_line_needs_to_know_the_server(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_person_commands(parser.add_subparsers())
    options = parser.parse_args(["person", "revoke", "lin"])
    with pytest.raises(BadSetting, match="REDIS_URL"):
        options.run(Settings(data_dir=tmp_path), options)
