"""The merchant's desk over HTTP: who sees what, what is done, and what carriers tell."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Membership, Person
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_addresses import SqlDeliveries
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_schema import shops
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.addresses import Address, Delivery
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.after_sales import AfterSalesRoutes
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.merchant_case import Cases
from livecommerce.gateway.http.merchant_order import MerchantOrder
from livecommerce.gateway.http.merchant_orders import MerchantOrders
from livecommerce.gateway.http.merchant_returns import MerchantReturns
from livecommerce.gateway.http.orders_csv import safe
from livecommerce.gateway.http.parcel_updates import ParcelUpdates
from livecommerce.ids import OrderId
from livecommerce.signatures import sign
from tests.aftersales import BUYER, MERCHANT, SHOP, BackOffice, open_books, two_lines
from tests.gateway import no_lifespan
from tests.orders import a_line
from tests.sandbox import SECRET

OURS = "http://shop.test"


class MerchantApi:
    """The API in front of a back office."""

    def __init__(self, office: BackOffice) -> None:
        self.office = office
        self.deliveries = SqlDeliveries(office.engine)
        self.audit = SqlAudit(office.engine)
        door = Door(Tokens(SECRET, office.clock), [OURS])
        self.tokens = door.tokens
        desk, clock = office.desk, office.clock
        self.updates = ParcelUpdates(office.parcels, door, clock, SECRET, OURS)
        accounts, cases = SqlAccounts(office.engine, clock), Cases(desk, door, clock)
        routes = [
            *MerchantOrders(desk, SqlShops(office.engine), self.deliveries, door, clock).routes(),
            *MerchantOrder(
                cases, desk, office.parcels, office.refunds, office.returns, accounts, self.audit
            ).routes(),
            *MerchantReturns(cases, desk, office.returns, office.refunds).routes(),
            *AfterSalesRoutes(desk, office.returns, office.parcels, door, clock).routes(),
            *self.updates.routes(),
        ]
        app = application(routes, no_lifespan, "")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)

    async def ask(
        self,
        method: str,
        path: str,
        person: str = MERCHANT,
        roles: tuple[Membership, ...] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Sends a request as somebody; the merchant has the role in the shop."""
        if roles is None:
            roles = (Membership("merchant", SHOP),) if person == MERCHANT else ()
        token, _ = self.tokens.mint(Person(person=person, name=person, roles=roles))
        return await self.http.request(method, path, headers={"authorization": f"Bearer {token}"}, **more)

    async def post(self, path: str, person: str = MERCHANT, **body: Any) -> Any:
        """Does something that must work; answers the order as it is then."""
        answered = await self.ask("POST", path, person, json=body)
        assert answered.is_success, answered.text
        return answered.json()

    async def listed(self, **query: str) -> list[str]:
        """The merchant's list of orders."""
        answered = await self.ask("GET", "/api/merchant/orders", params=query)
        return [row["order"] for row in answered.json()["orders"]]

    async def told(self, tracking: str, state: str, version: int = 0, message: str = "m") -> httpx.Response:
        """A carrier's message, signed with a version of the shop's key."""
        body = httpx.Request(
            "POST", OURS, json={"tracking": tracking, "state": state, "at_ms": self.office.clock()}
        ).read()
        headers = sign(self.updates.key(SHOP, version), message, self.office.clock(), body)
        return await self.http.post(f"/api/shops/{SHOP}/parcel-updates", content=body, headers=headers)


@pytest.fixture
async def api(sql: AsyncEngine, tmp_path: Path) -> AsyncIterator[MerchantApi]:
    office = BackOffice(sql, tmp_path / "sandbox.sqlite")
    await office.seed()
    api = MerchantApi(office)
    yield api
    await api.http.aclose()
    await office.close()


def of(order: OrderId, what: str = "") -> str:
    return f"/api/merchant/orders/{order}{what}"


def bought(order: OrderId, what: str) -> str:
    return f"/api/orders/{order}{what}"


async def test_an_order_goes_from_shipping_to_the_refund_of_a_return(api: MerchantApi) -> None:
    order = await api.office.sold(*two_lines())
    shown = await api.post(of(order, "/parcels"), key="p", carrier="SF", tracking="T")
    assert (shown["fulfillment"], shown["parcels"][0]["tracking"]) == ("shipped", "T")
    assert (await api.told("T", "delivered")).status_code == 202
    shown = await api.post(bought(order, "/receive"), BUYER)
    assert (shown["fulfillment"], shown["may"]["ask_back"]) == ("received", True)
    lines = [{"line": 1, "qty": 2}]
    shown = await api.post(bought(order, "/returns"), BUYER, key="r", lines=lines, reason="damaged")
    back = shown["returns"][0]["return_id"]
    await api.post(of(order, f"/returns/{back}/approve"), answer="send it here")
    await api.post(bought(order, f"/returns/{back}/sent"), BUYER, carrier="SF", tracking="B")
    await api.post(of(order, f"/returns/{back}/receive"))
    preview = await api.post(of(order, f"/returns/{back}/refund/preview"), key="f")
    await api.post(of(order, f"/returns/{back}/refund"), key="f", restock=True)
    await api.office.work()
    shown = (await api.ask("GET", of(order))).json()
    assert shown["refunds"][0]["amount_minor"] == preview["amount_minor"] == 5_333
    assert (shown["charge"], shown["returns"][0]["state"]) == ("partially_refunded", "refunded")
    history = (await api.ask("GET", of(order, "/history"))).json()["history"]
    assert [deed["actor_name"] for deed in history[:2]] == ["Merchant", "Merchant"]
    assert [deed["action"] for deed in reversed(history)] == [
        "order.ship",
        "order.receive",
        "return.request",
        "return.approved",
        "return.sent_back",
        "return.received",
        "return.refund",
    ]


async def test_a_preview_says_who_bears_what_and_changes_nothing(api: MerchantApi) -> None:
    order = await api.office.sold()
    preview = await api.post(of(order, "/refunds/preview"), key="k", amount_minor=1_000)
    shares = {share["account"]: share["minor"] for share in preview["shares"]}
    assert (preview["amount_minor"], preview["left_minor"]) == (1_000, 7_500)
    assert sum(shares.values()) == 1_000
    assert shares["creator.pending"] == 223
    refused = await api.ask("POST", of(order, "/refunds/preview"), json={"key": "k", "amount_minor": 8_501})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "refund_too_large")
    assert (await api.office.record(order)).refunds == ()


async def test_the_shares_of_a_preview_are_what_the_ledger_books(api: MerchantApi, tmp_path: Path) -> None:
    order, books = await api.office.sold(), await open_books(tmp_path)
    before = await api.office.book(books)
    await api.post(of(order, "/refunds"), key="a", amount_minor=777)  # under way: it goes first
    preview = await api.post(of(order, "/refunds/preview"), key="b", amount_minor=1_234)
    await api.office.work()
    between = await api.office.book(books)
    await api.post(of(order, "/refunds"), key="b", amount_minor=1_234)
    await api.office.work()
    after = await api.office.book(books)
    await books.aclose()
    assert before["creator.pending:creator"] > between["creator.pending:creator"]
    booked = {name.partition(":")[0]: between[name] - minor for name, minor in after.items()}
    assert {share["account"]: share["minor"] for share in preview["shares"]} == {
        name: minor for name, minor in booked.items() if minor and name != "provider.receivable"
    }


async def test_a_decline_needs_a_reason(api: MerchantApi) -> None:
    order = await api.office.delivered()
    back = (await api.office.ask_back(order)).return_id
    refused = await api.ask("POST", of(order, f"/returns/{back}/decline"), json={"answer": "  "})
    assert refused.json()["error"]["code"] == "reason_required"
    shown = await api.post(of(order, f"/returns/{back}/decline"), answer="worn")
    assert shown["returns"][0]["answer"] == "worn"


@pytest.mark.parametrize(
    ("person", "roles"),
    [
        (BUYER, ()),
        ("rival", (Membership("merchant", "other"),)),
        ("host", (Membership("host", SHOP), Membership("moderator", SHOP))),
    ],
)
async def test_only_a_merchant_of_the_shop_that_owns_the_goods_sees_an_order(
    api: MerchantApi, person: str, roles: tuple[Membership, ...]
) -> None:
    order = await api.office.sold()
    wish = {"key": "k", "carrier": "SF", "tracking": "T", "amount_minor": 1, "lines": [], "answer": "no"}
    for method, what in (
        ("GET", ""),
        ("GET", "/history"),
        ("POST", "/parcels"),
        ("POST", "/refunds"),
        ("POST", "/refunds/preview"),
        ("POST", "/restock"),
        ("POST", "/returns/x/approve"),
        ("POST", "/returns/x/decline"),
        ("POST", "/returns/x/receive"),
        ("POST", "/returns/x/refund"),
    ):
        answered = await api.ask(method, of(order, what), person, roles, json=wish)
        assert answered.status_code == 404, what
    assert await api.office.axes(order) == ("confirmed", "full", "unfulfilled")


async def test_a_guest_brands_order_belongs_to_the_brand(api: MerchantApi) -> None:
    order = await api.office.sold(shop="brand", host_shop=SHOP)
    assert await api.listed() == []
    assert (await api.ask("GET", of(order))).status_code == 404
    roles = (Membership("merchant", "brand"),)
    assert (await api.ask("GET", of(order), "brand-person", roles)).status_code == 200


async def test_an_operator_sees_every_shop(api: MerchantApi) -> None:
    orders = [await api.office.sold(shop=shop, host_shop=shop) for shop in (SHOP, "other")]
    answered = await api.ask("GET", "/api/merchant/orders", "op", (Membership("operator"),))
    assert {row["order"] for row in answered.json()["orders"]} == set(orders)


async def test_the_list_is_for_merchants(api: MerchantApi) -> None:
    for path in ("/api/merchant", "/api/merchant/orders", "/api/merchant/orders.csv"):
        assert (await api.http.get(path)).status_code == 401
        assert (await api.ask("GET", path, BUYER)).status_code == 403
    assert (await api.ask("GET", "/api/merchant/orders?shop=other")).status_code == 403


async def test_somebody_with_several_shops_sees_all_or_one_of_them(api: MerchantApi) -> None:
    async with api.office.engine.begin() as sql:
        await sql.execute(insert(shops).values(shop="second", name={"en": "Second"}, created_ms=0))
    orders = [await api.office.sold(shop=shop, host_shop=shop) for shop in (SHOP, "second")]
    roles = tuple(Membership("merchant", shop) for shop in (SHOP, "second"))
    everything = await api.ask("GET", "/api/merchant/orders", MERCHANT, roles)
    assert {row["order"] for row in everything.json()["orders"]} == set(orders)
    one = await api.ask("GET", "/api/merchant/orders?shop=second", MERCHANT, roles)
    assert [row["order"] for row in one.json()["orders"]] == orders[1:]
    overview = (await api.ask("GET", "/api/merchant", MERCHANT, roles)).json()
    assert [shop["name"]["en"] for shop in overview["shops"]] == ["Shop", "Second"]


async def test_tabs_show_what_a_merchant_has_to_do(api: MerchantApi) -> None:
    to_ship, on_the_way = await api.office.sold(), await api.office.sold()
    returning, canceled = await api.office.delivered(), await api.office.sold()
    await api.office.ship(on_the_way)
    await api.office.ask_back(returning)
    await api.office.refunds.cancel(canceled, BUYER, api.office.clock())
    expected = {
        "to_ship": [to_ship],
        "on_the_way": [on_the_way],
        "returns": [returning],
        "refunds": [canceled],
        "canceled": [canceled],
        "completed": [],
        "all": [canceled, returning, on_the_way, to_ship],
    }
    assert {tab: sorted(await api.listed(tab=tab)) for tab in expected} == {
        tab: sorted(orders) for tab, orders in expected.items()
    }
    counts = (await api.ask("GET", "/api/merchant/orders?tab=to_ship")).json()["counts"]
    assert counts == {tab: len(orders) for tab, orders in expected.items()}


async def test_orders_are_found_by_number_title_and_tracking(api: MerchantApi) -> None:
    order = await api.office.sold()
    await api.office.ship(order, tracking="SF1234")
    for words in (order, order[:12].lower(), "spring", "春茶", "SF1234"):
        assert await api.listed(q=words) == [order], words
    for words in ("100%", "SF123", "coffee", "_" * 5):
        assert await api.listed(q=words) == [], words


async def test_orders_are_found_by_room_and_date(api: MerchantApi) -> None:
    first = await api.office.sold(room="monday")
    api.office.ahead(86_400_000)
    second = await api.office.sold(room="tuesday")
    noon = str(api.office.clock() - 3_600_000)
    assert await api.listed(room="monday") == [first]
    assert await api.listed(from_ms=noon) == [second]
    assert await api.listed(to_ms=noon) == [first]


async def test_a_long_list_is_read_page_by_page(api: MerchantApi) -> None:
    sold = [await api.office.sold() for _ in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        answered = await api.ask("GET", "/api/merchant/orders", params={"limit": "2", "after": after})
        page = answered.json()
        seen += [row["order"] for row in page["orders"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(sold)
    assert len(seen) == len(set(seen))
    assert (await api.ask("GET", "/api/merchant/orders?after=nonsense")).status_code == 422


async def test_an_export_has_a_row_a_line_of_what_was_filtered(api: MerchantApi) -> None:
    order = await api.office.sold(*two_lines())
    await api.office.sold(shop="other", host_shop="other")
    await api.office.ship(order, tracking="-SF1")
    where = Address(
        country="CN", name="=HYPERLINK(1)", phone="13800138000", region="浙江", city="杭州", street="1 号"
    )
    delivery = Delivery(order=order, buyer=BUYER, address=where, note="ring, twice\nplease")
    await api.deliveries.put(delivery, 1)
    answered = await api.ask("GET", "/api/merchant/orders.csv?lang=en")
    assert answered.headers["content-disposition"].startswith('attachment; filename="orders-')
    assert answered.text[0] == "\ufeff"
    rows = list(csv.DictReader(StringIO(answered.text[1:])))
    assert [(row["order"], row["line"], row["paid"], row["qty"]) for row in rows] == [
        (order, "1", "80.00", "3"),
        (order, "2", "50.00", "1"),
    ]
    assert (rows[0]["tracking"], rows[0]["recipient"]) == ("'-SF1", "'=HYPERLINK(1)")
    assert (rows[0]["address"], rows[0]["note"]) == ("CN 浙江 杭州 1 号", "ring, twice\nplease")
    assert rows[0]["product"] == "Spring tea"


async def test_an_export_is_longer_than_a_batch(api: MerchantApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livecommerce.gateway.http.orders_csv.BATCH", 2)
    sold = [await api.office.sold() for _ in range(5)]
    answered = await api.ask("GET", "/api/merchant/orders.csv")
    rows = list(csv.DictReader(StringIO(answered.text[1:])))
    assert sorted(row["order"] for row in rows) == sorted(sold)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\n=1"])
def test_no_cell_of_an_export_is_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


def test_other_cells_stay_as_they_are() -> None:
    assert [safe(cell) for cell in ("", "tea", "1-2", "a=b")] == ["", "tea", "1-2", "a=b"]


async def test_a_carriers_message_counts_once_and_only_with_the_shops_key(api: MerchantApi) -> None:
    order = await api.office.sold()
    await api.office.ship(order, tracking="T")
    assert (await api.told("T", "delivered", version=7)).status_code == 403
    assert (await api.told("T", "in_transit", message="a")).json() == {"parcels": 1, "known": False}
    assert (await api.told("T", "in_transit", message="a")).json() == {"parcels": None, "known": True}
    assert (await api.told("T", "nonsense", message="b")).status_code == 422
    assert len((await api.office.record(order)).parcels[0].events) == 1


async def test_after_a_change_the_old_key_is_good_for_a_day(api: MerchantApi) -> None:
    path = f"/api/shops/{SHOP}/parcel-key"
    before = (await api.ask("GET", path)).json()
    after = (await api.ask("POST", path)).json()
    assert (before["version"], after["version"]) == (0, 1)
    assert before["secret"] != after["secret"]
    assert after["secret"].startswith("whsec_")
    answers = [(await api.told("T", "in_transit", version, f"m{version}")).status_code for version in (0, 1)]
    assert answers == [202, 202]
    api.office.ahead(86_400_001)
    answers = [(await api.told("T", "in_transit", version, f"n{version}")).status_code for version in (0, 1)]
    assert answers == [403, 202]
    assert (await api.ask("GET", path, BUYER)).status_code == 403


async def test_nobody_sees_or_moves_the_order_of_another_buyer(api: MerchantApi) -> None:
    order = await api.office.sold()
    await api.office.ship(order)
    lines = [{"line": 1, "qty": 1}]
    for method, what in (("GET", "/after-sales"), ("POST", "/receive"), ("POST", "/returns")):
        wish = {"key": "k", "lines": lines, "reason": "other"}
        answered = await api.ask(method, bought(order, what), "somebody-else", json=wish)
        assert answered.status_code == 404, what
    assert await api.office.axes(order) == ("confirmed", "full", "shipped")


async def test_a_buyer_does_not_see_what_the_shares_are(api: MerchantApi) -> None:
    order = await api.office.sold()
    shown = (await api.ask("GET", bought(order, "/after-sales"), BUYER)).text
    for secret in ("commission", "creator", "requested_by", "attempt", "provider"):
        assert secret not in shown


async def test_titles_of_many_lines_are_told(api: MerchantApi) -> None:
    order = await api.office.sold(a_line(1, 1_000), a_line(2, 2_000))
    shown = (await api.ask("GET", of(order))).json()
    assert [line["variant"]["en"] for line in shown["lines"]] == ["Tin 1", "Tin 2"]
    assert shown["buyer_name"] == "Buyer"
