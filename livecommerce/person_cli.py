"""``livecommerce person export | erase | revoke``: what is known of somebody, forgetting it, signing out."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_people import SqlPeople
from livecommerce.errors import DomainError
from livecommerce.ids import PersonId
from livecommerce.people import People
from livecommerce.revoke_cli import add_revoke_command
from livecommerce.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_person_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``person`` to the command line."""
    person = commands.add_parser("person", help="what is known of somebody")
    actions = person.add_subparsers(title="actions", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="print everything that names a person, as JSON")
    export.set_defaults(run=lambda settings, options: _run(settings, options, _export))
    erase = actions.add_parser("erase", help="forget who a person is; orders and books keep the id")
    erase.set_defaults(run=lambda settings, options: _run(settings, options, _erase))
    for action in (export, erase):
        action.add_argument("person", metavar="ID")
    add_revoke_command(actions)


def _run(
    settings: Settings,
    options: argparse.Namespace,
    action: Callable[[People, PersonId], Awaitable[None]],
) -> int:
    try:
        asyncio.run(_with_people(settings, PersonId(options.person), action))
    except DomainError as refusal:
        params = ", ".join(f"{name} {value}" for name, value in refusal.params.items())
        print(f"{options.person}: {refusal.code} {params}".rstrip(), file=sys.stderr)
        return 1
    return 0


async def _with_people(
    settings: Settings, person: PersonId, action: Callable[[People, PersonId], Awaitable[None]]
) -> None:
    await migrate(settings.sql_url)
    engine = open_sql(settings.sql_url)
    try:
        await action(SqlPeople(engine), person)
    finally:
        await engine.dispose()


async def _export(people: People, person: PersonId) -> None:
    document = msgspec.json.encode(await people.export(person))
    print(msgspec.json.format(document, indent=2).decode())


async def _erase(people: People, person: PersonId) -> None:
    await people.erase(person)
    print(f"{person}: forgotten")
