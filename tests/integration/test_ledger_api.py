"""The ledger on the operator's console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from livecommerce.accounts import Membership, Person
from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_connection import reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_reconciliations import LEASE_MS, SqlReconciliations
from livecommerce.adapters.sql_schema import audit, sql_outbox
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.clock import now_ms
from livecommerce.errors import Unavailable
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.ledger import LedgerBooks, ledger_routes
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.http.statements import statement_routes
from livecommerce.ids import PersonId, ShopId
from livecommerce.ledger.backend import LedgerAway, LedgerBackend
from livecommerce.ledger.bill import BadBill
from livecommerce.ledger.books import Totals
from livecommerce.ledger.reconcile import Reconciliation
from livecommerce.worker.reconciliations import Reconciliations
from livecommerce.worker.relay import Relay
from tests.integration.test_relay import confirm
from tests.sandbox import SECRET
from tests.selling import SHARD, Shop

OURS = "http://shop.test"


@asynccontextmanager
async def nothing(_app: Starlette) -> AsyncIterator[None]:
    yield


class Console:
    """An operator's console and everything behind it."""

    def __init__(self, redis: Connection, sql: AsyncEngine, ledger: LedgerBackend) -> None:
        self.sql = sql
        self.ledger = ledger
        self.queue = SqlLedgerQueue(sql)
        self.reconciliations = SqlReconciliations(sql)
        outbox = RedisOutbox(redis, "projector", "x")
        self.books = LedgerBooks(outbox, [SHARD], self.queue, ledger, self.reconciliations, now_ms)
        self._door = Door(Tokens(SECRET, now_ms), [OURS])
        routes = ledger_routes(self.books, self._door, RequestTrail(SqlAudit(sql), now_ms))
        app = application(
            [*routes, *statement_routes(ledger, SqlShops(sql), self._door, now_ms)], nothing, ""
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)

    def as_(self, role: str, shop: str = "", who: str = "op") -> dict[str, str]:
        """Headers of somebody with a role."""
        roles = (Membership(role, ShopId(shop)),)
        person = Person(person=PersonId(who), name="Op", guest=False, roles=roles)
        return {"authorization": f"Bearer {self._door.tokens.mint(person)[0]}"}

    async def relay(self) -> None:
        """Books what there is."""
        while await Relay(self.queue, self.ledger, "w", now_ms).step():
            pass


@pytest.fixture
async def console(redis: Connection, sql: AsyncEngine, tmp_path: Path) -> AsyncIterator[Console]:
    console = Console(redis, sql, late_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}"))
    yield console
    await console.http.aclose()
    await console.ledger.aclose()


async def test_the_overview_follows_orders_on_their_way(console: Console, redis: Connection) -> None:
    shop = Shop(redis)
    await shop.open_room()
    await shop.open_sale(1)
    await confirm(console.sql, "a", "b")
    before = await console.books.overview()
    assert before.outbox.length == 1
    assert (before.ledger.pending, before.ledger.applied) == (2, 0)
    await console.relay()
    after = (await console.books.overview()).ledger
    assert (after.pending, after.applied, after.dead, after.healthy) == (0, 2, 0, True)
    assert after.trial_balance == (Totals(currency="CNY", debit_minor=19102, credit_minor=19102),)


async def test_operators_read_the_last_entries(console: Console) -> None:
    await confirm(console.sql, "a")
    await console.relay()
    response = await console.http.get("/api/console/ledger?limit=1", headers=console.as_("operator"))
    (entry,) = response.json()["entries"]
    assert (entry["order"], entry["kind"]) == ("a", "payment_fee")
    assert entry["lines"][0] == {
        "account": "merchant.pending:shop",
        "debit_minor": 51,
        "credit_minor": 0,
        "currency": "CNY",
    }


@pytest.mark.parametrize("path", ["", "/dead-letters"])
async def test_nobody_else_reads_them(console: Console, path: str) -> None:
    response = await console.http.get(f"/api/console/ledger{path}", headers=console.as_("host"))
    assert response.status_code == 403


async def test_a_dead_letter_is_shown_and_sent_again_on_the_record(console: Console) -> None:
    await confirm(console.sql, "a")
    async with console.sql.begin() as connection:
        await connection.execute(update(sql_outbox).values(state="dead", error="conflict: no"))
    shown = await console.http.get("/api/console/ledger/dead-letters", headers=console.as_("operator"))
    (letter,) = shown.json()["dead_letters"]
    assert (letter["key"], letter["error"]) == ("a", "conflict: no")
    sent = await console.http.post(
        "/api/console/ledger/dead-letters/retry",
        json={"ids": [letter["id"]]},
        headers=console.as_("operator"),
    )
    assert sent.json() == {"sent": 1}
    assert (await console.queue.status()).pending == 1
    async with reading(console.sql) as connection:
        noted = (await connection.execute(select(audit))).one()
    assert (noted.action, noted.after) == ("ledger.retry", {"ids": [letter["id"]], "sent": 1})


async def test_a_ledger_that_is_away_is_shown_as_such(
    redis: Connection, sql: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / "ledger.sqlite").write_text("this is no database, whatever its name says")
    console = Console(redis, sql, late_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}"))
    overview = (await console.books.overview()).ledger
    assert (overview.healthy, overview.backend, overview.trial_balance) == (False, "sqlite", ())
    response = await console.http.get("/api/console/ledger", headers=console.as_("operator"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "ledger_away")
    await console.http.aclose()


async def test_gauges_tell_length_and_age(console: Console) -> None:
    assert console.books.gauges() == {}
    await confirm(console.sql, "a")
    await console.books.refresh()
    gauges = console.books.gauges()
    assert gauges["livecommerce_ledger_pending"] == 1
    assert gauges["livecommerce_ledger_age_seconds"] > 0
    assert gauges["livecommerce_ledger_up"]


SINCE = "from_ms=1600000000000&to_ms=1800000000000"


async def test_a_merchant_reads_the_shops_statement_as_json_csv_and_a_page(console: Console) -> None:
    await confirm(console.sql, "a", "b")
    await console.relay()
    merchant, where = console.as_("merchant", "shop"), f"/api/statements/shop?{SINCE}"
    statement = (await console.http.get(where, headers=merchant)).json()
    assert statement["closing"] == {"merchant.pending:shop CNY": 2 * (7068 - 51)}
    assert {line["order"] for line in statement["lines"]} == {"a", "b"}
    table = await console.http.get(f"{where}&format=csv", headers=merchant)
    assert (table.headers["content-type"], table.text.count("\r\n")) == ("text/csv; charset=utf-8", 5)
    page = await console.http.get(f"{where}&format=html", headers=merchant)
    assert page.headers["content-type"].startswith("text/html")
    assert ("对账单" in page.text, "140.34 CNY" in page.text) == (True, True)
    assert ("商家货款（待结算）" in page.text, "merchant.pending" in page.text) == (True, False)
    local = await console.http.get(f"{where}&format=html&time_zone=Asia/Shanghai", headers=merchant)
    assert "（Asia/Shanghai）" in local.text
    english = await console.http.get(f"{where}&format=html&lang=en", headers=merchant)
    assert "Closing balance" in english.text


async def test_creators_and_brands_read_their_own_statements(console: Console) -> None:
    await confirm(console.sql, "a")
    await console.relay()
    where = f"/api/statements/creator?{SINCE}"
    creator = await console.http.get(where, headers=console.as_("host", "shop", who="creator"))
    assert creator.json()["closing"] == {"creator.pending:creator CNY": 1900}
    brand = await console.http.get(f"/api/statements/shop?{SINCE}", headers=console.as_("brand", "shop"))
    assert brand.status_code == 200


@pytest.mark.parametrize(("role", "shop"), [("merchant", "another"), ("host", "shop"), ("brand", "another")])
async def test_nobody_reads_the_statement_of_others(console: Console, role: str, shop: str) -> None:
    response = await console.http.get("/api/statements/shop", headers=console.as_(role, shop))
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("format=xml", "bad_request"),
        ("from_ms=2&to_ms=1", "bad_time"),
        ("from_ms=-1", "bad_request"),
        ("to_ms=tomorrow", "bad_request"),
        ("time_zone=Moon/Sea", "bad_time_zone"),
        ("time_zone=../../etc/passwd", "bad_time_zone"),
    ],
)
async def test_a_statement_of_nonsense_is_refused(console: Console, query: str, code: str) -> None:
    response = await console.http.get(f"/api/statements/shop?{query}", headers=console.as_("operator"))
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)


async def test_the_overview_tells_of_the_last_reconciliation(console: Console) -> None:
    assert (await console.books.overview()).reconciliation is None
    older = Reconciliation(at_ms=1, bill="none", orders=1, findings={"not_booked": 1})
    newer = Reconciliation(at_ms=2, bill="sandbox", orders=2, findings={})
    for done in (newer, older):
        await console.reconciliations.keep(done)
    assert (await console.books.overview()).reconciliation == newer


async def test_reconciling_is_asked_for_once_however_often_it_is_pressed(console: Console) -> None:
    path, operator = "/api/console/ledger/reconcile", console.as_("operator")
    first, second = [await console.http.post(path, headers=operator) for _ in range(2)]
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert (await console.http.post(path, headers=console.as_("merchant", "shop"))).status_code == 403
    done = 0

    async def reconcile() -> None:
        nonlocal done
        done += 1

    workers = [Reconciliations(console.reconciliations, reconcile, now_ms) for _ in range(3)]
    assert sum(await asyncio.gather(*(worker.step() for worker in workers))) == 1
    assert (done, (await console.books.overview()).reconciling) == (1, None)


async def test_a_document_that_cannot_be_read_fails_the_reconciliation_and_nothing_else(
    console: Console,
) -> None:
    async def fail() -> None:
        raise msgspec.ValidationError("no such field")

    await console.books.reconcile()
    assert await Reconciliations(console.reconciliations, fail, now_ms).step()
    told = (await console.books.overview()).reconciling
    assert told is not None
    assert told.error == "ValidationError: no such field"


@pytest.mark.parametrize("error", [LedgerAway("no route"), BadBill("no route"), Unavailable("no route")])
async def test_a_reconciliation_that_fails_says_why_and_can_be_asked_for_again(
    console: Console, error: Exception
) -> None:
    async def fail() -> None:
        raise error

    await console.books.reconcile()
    await Reconciliations(console.reconciliations, fail, now_ms).step()
    told = (await console.books.overview()).reconciling
    assert told is not None
    assert told.error == "no route"
    again = await console.books.reconcile()
    assert (again.error, again.taken_ms) == ("", None)


async def test_a_worker_that_died_over_it_leaves_it_to_another(console: Console) -> None:
    await console.books.reconcile()
    start = now_ms()
    assert await console.reconciliations.take(start) is not None
    assert await console.reconciliations.take(start + LEASE_MS - 1) is None
    later = await console.reconciliations.take(start + LEASE_MS)
    assert later is not None
    await console.reconciliations.finish(later)
    assert await console.reconciliations.requested() is None


async def test_the_end_of_one_leaves_a_later_request_alone(console: Console) -> None:
    request = await console.books.reconcile()
    await console.reconciliations.finish(request, "failed")
    await console.reconciliations.request(request.requested_ms + 1)
    await console.reconciliations.finish(request)
    assert await console.reconciliations.requested() is not None
