"""``livecommerce person revoke``: signs a person out everywhere."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from rich.console import Console

from livecommerce.accounts import identify
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.redis_revocations import RedisRevocations
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.audit import AuditEntry
from livecommerce.clock import now_ms
from livecommerce.errors import DomainError
from livecommerce.ids import new_id
from livecommerce.revocation import Revocation
from livecommerce.settings import BadSetting, Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ACTOR = "command line"

console = Console(highlight=False, soft_wrap=True)


def add_revoke_command(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``revoke`` to the person's commands."""
    revoke = actions.add_parser(
        "revoke", help="refuse every token that a person has, on every gateway, and close their connections"
    )
    revoke.add_argument("who", metavar="WHO", help="a login name or a person's id")
    revoke.set_defaults(run=_revoke)


def _revoke(settings: Settings, options: argparse.Namespace) -> int:
    if not settings.redis_url:
        raise BadSetting("REDIS_URL is not set; the console signs people out as well")
    try:
        person, name = asyncio.run(revoke(settings, options.who))
    except DomainError as error:
        console.print(f"livecommerce: {error.code}", style="bold red")
        return 1
    if name:
        console.print(f"{name} ({person}) is signed out everywhere.", markup=False)
    else:
        console.print(f"No account here is {person}; tokens of that id are refused.", markup=False)
    return 0


async def revoke(settings: Settings, who: str) -> tuple[str, str]:
    """Signs a person out everywhere; answers the id and the name.

    Raises:
        DomainError: there can be no such person, or a store is away.
    """
    engine = open_sql(settings.sql_url)
    try:
        async with aclosing(connect(settings.redis_url)) as redis:
            person, name = await identify(SqlAccounts(engine, now_ms), who)
            await load_library(redis)
            await RedisRevocations(redis).revoke(Revocation(person=person, before_ms=now_ms()))
            entry = AuditEntry(
                id=new_id(), at_ms=now_ms(), actor=ACTOR, action="person.revoke", subject=person
            )
            await SqlAudit(engine).record(entry)
    finally:
        await engine.dispose()
    return person, name
