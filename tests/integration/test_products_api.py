"""A shop's catalogue over HTTP: who may look after it, and what comes of files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Membership, Person
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_catalog_desk import SqlCatalogDesk
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.products import ProductRoutes
from livecommerce.ids import ShopId
from livecommerce.shop import Shop
from tests.gateway import SECRET, no_lifespan

OURS = "http://shop.test"
EVERY = "/api/shops/shop/products"
TEAPOT = {
    "product": "T1",
    "title": {"en": "Teapot"},
    "category": "home",
    "currency": "CNY",
    "skus": [{"sku": "T1-R", "price_minor": 26_800, "on_hand": 8, "title": {"en": "Red"}}],
}
FILE = "product,title,category,currency,sku,price,on_hand\nT1,Teapot,home,CNY,T1-R,268.00,8\n"
MERCHANT = Membership("merchant", "shop")


class ProductsApi:
    """The API in front of a real database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._tokens = Tokens(SECRET, now_ms)
        routes = ProductRoutes(
            SqlCatalogDesk(engine),
            SqlShops(engine),
            SqlAccounts(engine, now_ms),
            Door(self._tokens, [OURS]),
            now_ms,
        ).routes()
        app = application(routes, no_lifespan, "")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)

    async def ask(self, method: str, path: str, *roles: Membership, **more: Any) -> httpx.Response:
        """Sends a request as somebody with these roles, or as the merchant."""
        person = Person(person="somebody", name="Somebody", roles=roles or (MERCHANT,))
        headers = {"authorization": f"Bearer {self._tokens.mint(person)[0]}"}
        return await self.http.request(method, path, headers=headers, **more)

    async def must(self, method: str, path: str, **more: Any) -> Any:
        """Does something that must work."""
        answered = await self.ask(method, path, **more)
        assert answered.is_success, answered.text
        return answered.json()


@pytest.fixture
async def api(sql: AsyncEngine) -> AsyncIterator[ProductsApi]:
    await SqlShops(sql).add(Shop(shop=ShopId("shop"), name={"en": "Shop"}), 1)
    api = ProductsApi(sql)
    yield api
    await api.http.aclose()


async def test_a_product_is_created_changed_counted_and_put_away_with_its_history(api: ProductsApi) -> None:
    made = await api.must("POST", EVERY, json=TEAPOT)
    one, sku = f"{EVERY}/{made['product']}", made["skus"][0]["sku"]
    form = {"title": {"en": "Better teapot"}, "category": "home", "skus": [{"sku": sku, "price_minor": 1}]}
    assert (await api.must("PUT", one, json=form))["skus"][0]["price_minor"] == 1
    stock = f"{one}/skus/{sku}/stock"
    await api.must("PUT", stock, json={"on_hand": 5, "expected": 8, "reason": "counted"})
    adjustment = {"key": "k", "units": -2, "reason": "broken"}
    for _ in range(2):
        shown = await api.must("POST", f"{stock}/adjustments", json=adjustment)
        assert shown["skus"][0]["on_hand"] == 3
    await api.must("POST", f"{one}/archive")
    assert (await api.must("GET", EVERY))["products"] == []
    assert [row["product"] for row in (await api.must("GET", f"{EVERY}?archived=true"))["products"]] == [
        made["product"]
    ]
    history = (await api.must("GET", f"{one}/history"))["history"]
    assert [(deed["action"], deed["actor"]) for deed in reversed(history)] == [
        (action, "somebody")
        for action in ("product.create", "product.change", "stock.set", "stock.adjust", "product.archive")
    ]


async def test_only_a_merchant_of_the_shop_and_operators_look_after_it(api: ProductsApi) -> None:
    product = (await api.must("POST", EVERY, json=TEAPOT))["product"]
    for role in (Membership("merchant", "other"), Membership("host", "shop"), Membership("brand", "shop")):
        for method, path in (("GET", EVERY), ("POST", EVERY), ("GET", f"{EVERY}/{product}/history")):
            assert (await api.ask(method, path, role, json=TEAPOT)).status_code == 403
    operator = Membership("operator")
    assert (await api.ask("GET", f"{EVERY}/{product}", operator)).status_code == 200
    unknown = await api.ask("POST", "/api/shops/nowhere/products", operator, json=TEAPOT)
    assert unknown.json()["error"]["code"] == "shop_not_found"
    assert (await api.http.get(EVERY)).status_code == 401


async def test_a_file_is_tried_taken_in_and_taken_in_again(api: ProductsApi) -> None:
    report = {"created": 1, "changed": 0, "unchanged": 0, "stock_set": 0}
    assert await api.must("POST", f"{EVERY}.csv?dry_run=true", content=FILE) == report
    assert (await api.must("GET", EVERY))["products"] == []
    assert await api.must("POST", f"{EVERY}.csv", content=FILE) == report
    again = await api.must("POST", f"{EVERY}.csv?set_stock=true", content=FILE.replace(",8", ",9"))
    assert again == {"created": 0, "changed": 0, "unchanged": 0, "stock_set": 1}
    same = await api.must("POST", f"{EVERY}.json?dry_run=true", json=[TEAPOT])
    assert same["created"] == 0


@pytest.mark.parametrize("content", [b"\xff", b"", b"product\n", FILE.replace("268.00", "much").encode()])
async def test_a_wrong_file_changes_nothing_and_says_why(api: ProductsApi, content: bytes) -> None:
    refused = await api.ask("POST", f"{EVERY}.csv", content=content)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_file")
    assert refused.json()["error"]["params"]["reason"]
    assert (await api.must("GET", EVERY))["products"] == []


async def test_pages_follow_each_other(api: ProductsApi) -> None:
    for number in range(3):
        entry = {**TEAPOT, "product": f"P{number}"}
        entry["skus"] = [{"sku": f"P{number}", "price_minor": 1, "on_hand": 1}]
        await api.must("POST", EVERY, json=entry)
    seen, after = 0, ""
    while after is not None:
        page = await api.must("GET", EVERY, params={"limit": "2", "after": after})
        seen, after = seen + len(page["products"]), page["next"]
    assert seen == 3
