"""A buyer's orders over HTTP, on both sides of their handing over to SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from livecommerce.accounts import Membership, Person
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_addresses import SqlAddressBooks, SqlDeliveries
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_orders import SqlOrders
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_refunds import SqlRefunds
from livecommerce.adapters.sql_schema import journal, persons, products, shops, shows, sql_outbox
from livecommerce.adapters.sql_schema import orders as orders_table
from livecommerce.addresses import DeliveryDesk
from livecommerce.aftersales.record import Receipt
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.addresses import AddressRoutes, delivery_routes
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.orders import BuyerOrders, order_routes
from livecommerce.gateway.http.payments import payment_routes
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.shop import Policy
from livecommerce.signatures import derive_key, sign
from livecommerce.worker.projector import Projector
from tests.sandbox import SECRET
from tests.selling import PRICE, SHARD
from tests.till import Till

OURS = "http://shop.test"
ADDRESS = {
    "country": "CN",
    "name": "Ann the buyer",
    "phone": "13812345678",
    "region": "Zhejiang",
    "city": "Hangzhou",
    "district": "Xihu",
    "street": "7 Example Road",
}


@asynccontextmanager
async def nothing(_app: Starlette) -> AsyncIterator[None]:
    yield


class OrdersApi:
    """The API, and everything behind it."""

    def __init__(self, till: Till, sql: AsyncEngine) -> None:
        self.till = till
        self.sql = sql
        door = Door(Tokens(SECRET, now_ms), [OURS])
        self.tokens = door.tokens
        orders = BuyerOrders(till.orders, SqlOrders(sql), till.payments)
        app = application(
            [
                *order_routes(
                    orders,
                    till.orders,
                    till.cashier,
                    SqlRefunds(sql, Receipt()),
                    DeliveryDesk(SqlAddressBooks(sql), SqlDeliveries(sql)),
                    door,
                    now_ms,
                    OURS,
                ),
                *delivery_routes(SqlDeliveries(sql), till.orders, SqlOrders(sql), door),
                *AddressRoutes(SqlAddressBooks(sql), door, now_ms).routes(),
                *payment_routes({"sandbox": till.cashier}),
            ],
            nothing,
            "",
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)
        outbox = RedisOutbox(till.redis, "projector", "test")
        self.projector = Projector(outbox, SqlProjection(sql), till.orders, [SHARD])

    async def ask(
        self,
        method: str,
        path: str,
        person: str,
        *,
        guest: bool = False,
        roles: tuple[Membership, ...] = (),
        json: object = None,
    ) -> httpx.Response:
        """Sends a request as somebody."""
        token, _ = self.tokens.mint(Person(person=person, name=person, guest=guest, roles=roles))
        headers = {"authorization": f"Bearer {token}"}
        return await self.http.request(method, path, headers=headers, json=json)

    async def rows(self, person: str) -> list[dict[str, Any]]:
        """A person's list of orders."""
        rows: list[dict[str, Any]] = (await self.ask("GET", "/api/orders", person)).json()["orders"]
        return rows

    async def seed(self) -> None:
        """A shop, its host, its product and its show."""
        async with self.sql.begin() as sql:
            await sql.execute(insert(persons).values(person="host", name="Mei", created_ms=0))
            await sql.execute(insert(shops).values(shop="shop", name={"en": "Rain or shine"}, created_ms=0))
            await sql.execute(
                insert(products).values(
                    product="umbrella",
                    shop="shop",
                    title={"en": "Umbrella"},
                    image="/demo/umbrella.svg",
                    category="home",
                    currency="CNY",
                    created_ms=0,
                )
            )
            await sql.execute(
                insert(shows).values(
                    room=self.till.room,
                    shop="shop",
                    host="host",
                    title={"en": "Rainy evening"},
                    cover="",
                    phase="live",
                    starts_ms=0,
                    ends_ms=1,
                    time_zone="Asia/Shanghai",
                    created_ms=0,
                )
            )


@pytest.fixture
async def api(redis: Connection, tmp_path: Path) -> AsyncIterator[OrdersApi]:
    url = f"sqlite:{tmp_path / 'shop.sqlite'}"
    await migrate(url)
    sql, till = open_sql(url), Till(redis, tmp_path / "sandbox.sqlite")
    await till.open_room()
    api = OrdersApi(till, sql)
    await api.seed()
    yield api
    await api.http.aclose()
    await till.close()
    await sql.dispose()


def path(held: Held, what: str = "") -> str:
    return f"/api/orders/{held.order.order}{what}"


async def test_an_unpaid_order_is_shown_with_its_three_axes(api: OrdersApi) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    (row,) = await api.rows("ann")
    assert (row["order_state"], row["charge"], row["fulfillment"]) == (
        "awaiting_payment",
        "none",
        "unfulfilled",
    )
    assert row["room_title"] == {"en": "Rainy evening"}
    assert row["expires_ms"] == held.order.expires_ms


async def test_paying_leads_to_the_providers_page_and_back_to_a_confirmed_order(api: OrdersApi) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    pay_url = (await api.ask("POST", path(held, "/pay"), "ann")).json()["pay_url"]
    back = await api.till.world.http.post(pay_url, data={"action": "pay", "fault": ""})
    assert back.headers["location"] == f"{OURS}/orders/{held.order.order}"
    await api.till.world.callbacks.get()
    row = (await api.ask("GET", path(held), "ann")).json()
    assert (row["order_state"], row["charge"], row["ledger"]) == ("confirmed", "full", None)


async def test_an_order_looks_the_same_before_and_after_sql_has_it(api: OrdersApi) -> None:
    held = await api.till.sell(await api.till.open_sale(1), "ann")
    before = (await api.ask("GET", path(held), "ann")).json()
    assert await api.projector.step() > 0
    after = (await api.ask("GET", path(held), "ann")).json()
    assert await api.rows("ann") == [after]
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"v", "image", "title", "expires_ms", "paid_ms"}
    assert (after["title"], after["total_minor"]) == ({"en": "Umbrella"}, PRICE)


async def test_an_order_tells_when_the_ledger_has_it(api: OrdersApi) -> None:
    held = await api.till.sell(await api.till.open_sale(1), "ann")
    await api.projector.step()
    async with api.sql.begin() as sql:
        await sql.execute(update(sql_outbox).values(state="applied"))
    assert (await api.ask("GET", path(held), "ann")).json()["ledger"] == "applied"


async def test_a_confirmed_order_that_was_not_shipped_is_cancelled_and_its_money_goes_back(
    api: OrdersApi,
) -> None:
    held = await api.till.sell(await api.till.open_sale(1), "ann")
    await api.projector.step()
    row = (await api.ask("POST", path(held, "/cancel"), "ann")).json()
    assert (row["order_state"], row["charge"]) == ("canceled", "full")
    (due,) = await SqlRefunds(api.sql, Receipt()).due("sandbox", 9, now_ms())
    assert due.amount_minor == PRICE
    order = await api.till.payments.find(due.payment)
    assert order is not None
    assert order.order == held.order.order


async def test_orders_of_both_owners_stand_in_one_list_newest_first(api: OrdersApi) -> None:
    sale = await api.till.open_sale(3, limit=3)
    first = await api.till.sell(sale, "ann")
    await api.projector.step()
    second = await api.till.buy(sale, "ann")
    listed = [(row["order"], row["order_state"]) for row in await api.rows("ann")]
    assert listed == [(second.order.order, "awaiting_payment"), (first.order.order, "confirmed")]


async def test_a_cancelled_order_is_shown_as_canceled(api: OrdersApi) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    row = (await api.ask("POST", path(held, "/cancel"), "ann")).json()
    assert (row["order_state"], row["charge"]) == ("canceled", "none")


@pytest.mark.parametrize("what", ["/pay", "/cancel"])
async def test_a_sold_order_is_neither_paid_nor_cancelled_again(api: OrdersApi, what: str) -> None:
    held = await api.till.sell(await api.till.open_sale(1), "ann")
    refused = await api.ask("POST", path(held, what), "ann")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_paid")


@pytest.mark.parametrize(("method", "what"), [("GET", ""), ("POST", "/pay"), ("POST", "/cancel")])
async def test_nobody_sees_or_touches_the_order_of_somebody_else(
    api: OrdersApi, method: str, what: str
) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    assert (await api.ask(method, path(held, what), "bob")).status_code == 404
    await api.till.sell(await api.till.open_sale(1), "ann")
    await api.projector.step()
    assert await api.rows("bob") == []


async def test_a_buyer_is_told_of_money_that_came_too_late(api: OrdersApi) -> None:
    sale = await api.till.open_sale(1)
    held = await api.till.buy(sale, "ann")
    payment = await api.till.pay_page(held, "ann")
    await api.till.time_runs_out(held.order.order)
    await api.till.work()
    assert (await api.rows("ann"))[0]["given_back"] is None
    await api.till.buy(sale, "bob")
    await api.till.world.pay(payment, Fault.OVERDUE)
    await api.till.world.callbacks.get()
    shown = (await api.ask("GET", path(held), "ann")).json()
    assert (shown["order_state"], shown["given_back"]) == ("expired", {"reason": "too_late", "done": False})
    await api.till.work()
    assert [row["given_back"] for row in await api.rows("ann")] == [{"reason": "too_late", "done": True}]


async def test_orders_need_an_account(api: OrdersApi) -> None:
    assert (await api.http.get("/api/orders")).status_code == 401
    assert (await api.ask("GET", "/api/orders", "zoe", guest=True)).status_code == 401


async def test_something_that_is_no_id_is_not_found(api: OrdersApi) -> None:
    assert (await api.ask("GET", "/api/orders/..%2Fetc", "ann")).status_code == 404


async def test_a_forged_callback_changes_nothing(api: OrdersApi) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    payment = await api.till.pay_page(held, "ann")
    body = f'{{"payment":"{payment}","state":"captured"}}'.encode()
    headers = sign(b"not the key", "m", now_ms(), body)
    answer = await api.http.post("/api/payments/sandbox/callback", content=body, headers=headers)
    assert answer.status_code == 403
    assert await api.till.state_of(held.order.order) == "paying"


@pytest.mark.parametrize(
    "change",
    [{"merchant": "somebody-else"}, {"amount_minor": 1}, {"currency": "USD"}],
)
async def test_a_signed_callback_about_other_money_changes_nothing(
    api: OrdersApi, change: dict[str, str | int]
) -> None:
    held = await api.till.buy(await api.till.open_sale(1), "ann")
    payment = await api.till.pay_page(held, "ann")
    told: dict[str, str | int] = {
        "payment": payment,
        "state": "captured",
        "merchant": api.till.world.provider.merchant,
        "amount_minor": PRICE,
        "currency": "CNY",
        "transaction": "t",
        "captured_ms": now_ms(),
    }
    body = httpx.Request("POST", OURS, json=told | change).read()
    headers = sign(derive_key(SECRET, "sandbox"), "m", now_ms(), body)
    answer = await api.http.post("/api/payments/sandbox/callback", content=body, headers=headers)
    assert answer.is_client_error
    assert await api.till.state_of(held.order.order) == "paying"


async def needing_an_address(api: OrdersApi) -> Held:
    """A hold of something that is sent for eight."""
    api.till.policies.set["shop"] = Policy(shipping_minor=800, return_window_days=15)
    return await api.till.buy(await api.till.open_sale(1), "ann")


async def test_what_is_sent_is_paid_once_there_is_an_address(api: OrdersApi) -> None:
    held = await needing_an_address(api)
    assert (held.order.shipping_minor, held.order.total_minor) == (800, PRICE + 800)
    refused = await api.ask("POST", path(held, "/pay"), "ann")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "address_missing")
    assert await api.till.state_of(held.order.order) == "held"
    added = (await api.ask("POST", "/api/addresses", "ann", json=ADDRESS)).json()
    wanted = {"address": added["address"], "note": "ring twice"}
    assert (await api.ask("POST", path(held, "/pay"), "ann", json=wanted)).status_code == 200
    shown = (await api.ask("GET", path(held, "/delivery"), "ann")).json()
    assert (shown["address"]["street"], shown["note"]) == (ADDRESS["street"], "ring twice")


async def test_the_shop_sees_where_an_order_goes_once_it_is_paid(api: OrdersApi) -> None:
    held = await needing_an_address(api)
    await api.ask("POST", "/api/addresses", "ann", json=ADDRESS)
    assert (await api.ask("POST", path(held, "/pay"), "ann")).status_code == 200
    ours = (Membership("merchant", "shop"),)
    assert (await api.ask("GET", path(held, "/delivery"), "mia", roles=ours)).status_code == 404
    payment = await api.till.begin_payment(held, "ann")
    assert await api.till.capture(payment, held.order.total_minor) == "applied"
    await api.projector.step()
    shown = (await api.ask("GET", path(held, "/delivery"), "mia", roles=ours)).json()
    assert shown["address"]["city"] == "Hangzhou"
    others = (Membership("merchant", "another"),)
    assert (await api.ask("GET", path(held, "/delivery"), "mia", roles=others)).status_code == 404


async def test_an_order_keeps_the_policy_that_it_was_bought_under(api: OrdersApi) -> None:
    held = await needing_an_address(api)
    api.till.policies.set["shop"] = Policy(return_window_days=0)
    payment = await api.till.begin_payment(held, "ann")
    await api.till.capture(payment, held.order.total_minor)
    await api.projector.step()
    row = (await api.ask("GET", path(held), "ann")).json()
    assert (row["return_window_days"], row["ships_within_hours"], row["shipping_minor"]) == (15, 48, 800)


async def test_no_personal_data_leaves_sql(api: OrdersApi) -> None:
    held = await needing_an_address(api)
    await api.ask("POST", "/api/addresses", "ann", json=ADDRESS)
    await api.ask("POST", path(held, "/pay"), "ann", json={"note": "ring twice"})
    await api.till.capture(await api.till.begin_payment(held, "ann"), held.order.total_minor)
    await api.projector.step()
    dump = b"".join([await api.till.redis.dump(key) or b"" for key in await api.till.redis.keys("*")])
    async with api.sql.connect() as sql:
        for table in (journal, sql_outbox, orders_table):
            dump += repr((await sql.execute(select(table))).all()).encode()
    for secret in (ADDRESS["name"], ADDRESS["street"], ADDRESS["phone"], "ring twice"):
        assert secret.encode() not in dump


async def test_an_address_book_is_ones_own(api: OrdersApi) -> None:
    added = (await api.ask("POST", "/api/addresses", "ann", json=ADDRESS)).json()
    assert added["is_default"] is True
    where = f"/api/addresses/{added['address']}"
    assert (await api.ask("PUT", where, "bob", json=ADDRESS)).status_code == 404
    assert (await api.ask("DELETE", where, "bob")).status_code == 204
    changed = await api.ask("PUT", where, "ann", json=ADDRESS | {"city": "Suzhou"})
    assert changed.json()["city"] == "Suzhou"
    refused = await api.ask("PUT", where, "ann", json=ADDRESS | {"phone": "1"})
    assert (refused.status_code, refused.json()["error"]["params"]) == (422, {"field": "phone"})
    assert (await api.ask("DELETE", where, "ann")).status_code == 204
    assert (await api.ask("GET", "/api/addresses", "ann")).json() == {"addresses": []}
