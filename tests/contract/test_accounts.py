"""Accounts, shops and the audit trail on both databases."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account, Membership
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.audit import AuditEntry
from livecommerce.errors import Conflict
from livecommerce.ids import ShopId
from livecommerce.shop import Shop

ACCOUNT = Account(
    person="p1",
    login="mei",
    name="Mei",
    password_hash="scrypt$…",
    roles=(Membership("brand", "s2"), Membership("host", "s1")),
)


async def test_an_account_is_found_with_its_roles(database: AsyncEngine) -> None:
    accounts = SqlAccounts(database, lambda: 1)
    await accounts.add(ACCOUNT)
    assert await accounts.find_by_login("mei") == ACCOUNT
    assert await accounts.find_by_login("nobody") is None
    assert await accounts.find("p1") == ACCOUNT
    assert await accounts.find("mei") is None
    assert await accounts.names_of(["p1", "p2"]) == {"p1": "Mei"}


async def test_a_login_name_is_given_once(database: AsyncEngine) -> None:
    accounts = SqlAccounts(database, lambda: 1)
    await accounts.add(ACCOUNT)
    with pytest.raises(Conflict, match="login_taken"):
        await accounts.add(replace(ACCOUNT, person="p2", roles=()))


async def test_a_shop_can_be_renamed(database: AsyncEngine) -> None:
    shops = SqlShops(database)
    await shops.add(Shop(shop=ShopId("s1"), name={"en": "Old"}), 1)
    await shops.add(Shop(shop=ShopId("s1"), name={"zh-CN": "新", "en": "New"}), 2)
    assert await shops.names_of(["s1", "s2"]) == {"s1": {"zh-CN": "新", "en": "New"}}


async def test_the_audit_trail_keeps_each_entry_once_newest_first(database: AsyncEngine) -> None:
    audit = SqlAudit(database)
    first = AuditEntry(id="a", at_ms=1, actor="p1", action="show.create", subject="r", after={"x": 1})
    second = AuditEntry(id="b", at_ms=2, actor="p1", action="show.rename", subject="r", before={"x": 1})
    for entry in (first, second, first):
        await audit.record(entry)
    assert await audit.of_subject("r") == [second, first]
    assert await audit.of_subject("r", limit=1) == [second]
    assert await audit.of_subject("other") == []
