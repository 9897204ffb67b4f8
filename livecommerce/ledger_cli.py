"""``livecommerce ledger …``: watch, replay, reconcile and read the ledger.

Exit codes: 0 all is well, 1 it could not be done, 2 there is something to look at.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from livecommerce.clock import known_zone, now_ms
from livecommerce.errors import DomainError
from livecommerce.ids import new_id
from livecommerce.ledger.backend import LedgerAway, UnknownLedger
from livecommerce.ledger.bill import BadBill
from livecommerce.ledger.books import totals
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.queue import QueueStatus
from livecommerce.ledger.statement import make_statement
from livecommerce.ledger.statement_page import Reader, as_csv, as_html
from livecommerce.ledger.statement_texts import TEXTS
from livecommerce.ledger_desk import LedgerDesk, open_desk
from livecommerce.rates_cli import add_rates_command
from livecommerce.settings import Settings
from livecommerce.worker.relay import Relay

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DONE, FAILED, LOOK = 0, 1, 2
MAX_SHOWN = 1_000
PROGRESS_LETTERS = 1_000
"""How many letters pass between two looks at what is left."""

console = Console(highlight=False, soft_wrap=True)
progress_console = Console(stderr=True)

Command = Callable[[LedgerDesk, argparse.Namespace], Awaitable[int]]


def add_ledger_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``ledger`` to the command line."""
    ledger = commands.add_parser("ledger", help="watch, replay, reconcile and read the ledger")
    actions = ledger.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add(actions, "status", _status, "how outbox, queue and ledger are")
    replay = _add(actions, "replay", _replay, "tell the ledger again what it was told since a time")
    replay.add_argument("--from", dest="from_ms", type=time_ms, required=True, metavar="TIME")
    replay.add_argument("--yes", action="store_true", help="really do it")
    _add(actions, "drain", _drain, "tell the ledger what waits for it, beside the workers")
    _add_dead_letters(actions)
    compare = _add(actions, "reconcile", _reconcile, "compare orders, sold units, ledger and provider's bill")
    compare.add_argument(
        "--bill", default="none", metavar="SOURCE", help="sandbox, or the file of a WeChat Pay trade bill"
    )
    _add(actions, "trial-balance", _trial_balance, "both sides of every account")
    statement = _add(actions, "statement", _statement, "what one shop or person was credited and debited")
    statement.add_argument("owner", metavar="ID", help="of a shop or a person")
    statement.add_argument("--from", dest="from_ms", type=time_ms, default=0, metavar="TIME")
    statement.add_argument("--to", dest="to_ms", type=time_ms, default=None, metavar="TIME")
    statement.add_argument("--format", choices=("csv", "html"), default="csv")
    statement.add_argument("--lang", choices=tuple(TEXTS), default="en")
    statement.add_argument(
        "--zone", default="UTC", type=time_zone, help="of all times, such as Asia/Shanghai"
    )
    statement.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    add_rates_command(actions, time_ms)


def time_ms(text: str) -> int:
    """A time such as ``2026-05-01`` or ``2026-05-01T20:00+08:00``, without a zone UTC, in milliseconds."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-05-01T20:00") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def time_zone(text: str) -> str:
    """A time zone's IANA name."""
    try:
        return known_zone(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone like Asia/Shanghai") from error


def _add_dead_letters(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    letters = actions.add_parser("dead-letters", help="what the ledger refused")
    verbs = letters.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add(verbs, "list", _list_letters, "show them with the reason")
    retry = _add(verbs, "retry", _retry_letters, "send them again; all of them if none is named")
    retry.add_argument("ids", nargs="*", metavar="ID")
    repair = _add(verbs, "repair", _repair_letters, "apply those that SQL could not take, and send them")
    repair.add_argument("ids", nargs="*", metavar="ID")
    repair.add_argument(
        "--document", type=Path, metavar="FILE", help="put this JSON in place of the letter's"
    )
    repair.add_argument("--yes", action="store_true", help="really replace it")
    drop = _add(verbs, "drop", _drop_letters, "give them up, so that later letters of their orders go on")
    drop.add_argument("ids", nargs="+", metavar="ID")
    drop.add_argument("--yes", action="store_true", help="really do it")


def _add(
    actions: _SubParsersAction[argparse.ArgumentParser], name: str, command: Command, about: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=about)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=lambda settings, options: asyncio.run(_run(settings, options, command)))
    return parser


async def _run(settings: Settings, options: argparse.Namespace, command: Command) -> int:
    try:
        async with open_desk(settings) as desk:
            return await command(desk, options)
    except (LedgerAway, UnknownLedger, BadBill, OSError) as error:
        _complain(f"livecommerce: {error}")
    except DomainError as error:
        _complain(f"livecommerce: {error.code}")
    return FAILED


# ---------------------------------------------------------------- commands


async def _status(desk: LedgerDesk, options: argparse.Namespace) -> int:
    status, health, outbox = await desk.queue.status(), await desk.ledger.health(), await desk.outbox()
    if options.json:
        _print_json({"outbox": outbox, "queue": status, "ledger": health})
    else:
        table = Table("", "", show_header=False)
        table.add_row("ledger", f"{health.backend}: {'healthy' if health.healthy else health.detail}")
        table.add_row("entries", str(health.entries if health.entries is not None else "it does not say"))
        table.add_row(
            "not in SQL yet", "unknown, REDIS_URL is not set" if outbox is None else str(outbox.length)
        )
        table.add_row("on its way", f"{status.pending}{_since(status.oldest_ms)}")
        table.add_row("booked", str(status.applied))
        table.add_row("dead letters", str(status.dead))
        table.add_row("dropped", str(status.dropped))
        console.print(table)
    return DONE if health.healthy and not status.dead else LOOK


async def _replay(desk: LedgerDesk, options: argparse.Namespace) -> int:
    if not options.yes:
        _complain("Nothing was done: this tells the ledger again what it was told; add --yes.")
        return FAILED
    count = await desk.queue.replay(options.from_ms)
    status = await _tell(desk, options)
    _report(options, {"replayed": count, "pending": status.pending, "dead": status.dead})
    return DONE if not (status.pending or status.dead) else LOOK


async def _drain(desk: LedgerDesk, options: argparse.Namespace) -> int:
    before = await desk.queue.status()
    status = await _tell(desk, options)
    told = status.applied - before.applied
    _report(options, {"told": told, "pending": status.pending, "dead": status.dead})
    return DONE if not (status.pending or status.dead) else LOOK


async def _tell(desk: LedgerDesk, options: argparse.Namespace) -> QueueStatus:
    """Relays, beside the workers, until nothing is left or the ledger takes nothing."""
    relay, count = Relay(desk.queue, desk.ledger, f"desk {new_id()}", now_ms), 0
    with Progress(console=progress_console, disable=options.json) as progress:
        task = progress.add_task("Telling the ledger", total=(await desk.queue.status()).pending)
        while told := await relay.step():
            count += told
            if count // PROGRESS_LETTERS != (count - told) // PROGRESS_LETTERS:
                left = (await desk.queue.status()).pending
                progress.update(task, completed=count, total=count + left)
    return await desk.queue.status()


async def _list_letters(desk: LedgerDesk, options: argparse.Namespace) -> int:
    letters = await desk.queue.dead_letters(MAX_SHOWN)
    if options.json:
        _print_json({"dead_letters": letters})
    else:
        table = Table("letter", "since", "attempts", "waiting behind it", "reason")
        for letter in letters:
            table.add_row(
                letter.id, _time(letter.at_ms), str(letter.attempts), str(letter.waiting), letter.error
            )
        console.print(table if letters else "There are no dead letters.")
    return LOOK if letters else DONE


async def _retry_letters(desk: LedgerDesk, options: argparse.Namespace) -> int:
    return _counted(options, await desk.queue.retry(options.ids), options.ids)


async def _repair_letters(desk: LedgerDesk, options: argparse.Namespace) -> int:
    if options.document and (len(options.ids) != 1 or not options.yes):
        _complain("Nothing was done: a document is for one letter, and replaces it; name it and add --yes.")
        return FAILED
    document = options.document.read_bytes() if options.document else None
    report = await desk.repair(options.ids, document)
    if options.json:
        _print_json({"letters": report})
    else:
        for letter, trouble in report.items():
            console.print(f"{letter}: {trouble or 'repaired'}")
    return (
        DONE if all(not trouble for trouble in report.values()) and len(report) >= len(options.ids) else LOOK
    )


async def _drop_letters(desk: LedgerDesk, options: argparse.Namespace) -> int:
    if not options.yes:
        _complain("Nothing was done: what is dropped is never booked; add --yes.")
        return FAILED
    return _counted(options, await desk.queue.drop(options.ids), options.ids)


async def _reconcile(desk: LedgerDesk, options: argparse.Namespace) -> int:
    entries = _scan(desk, "Reading the ledger", quiet=options.json)
    done, differences = await desk.reconcile(entries, options.bill)
    if options.json:
        _print_json({"orders": done.orders, "differences": differences})
    else:
        table = Table("finding", "subject", "expected", "found")
        for one in differences:
            table.add_row(one.finding, one.subject, str(one.expected), str(one.found))
        console.print(table if differences else f"{done.orders} orders: all agree.")
    return LOOK if differences else DONE


async def _trial_balance(desk: LedgerDesk, options: argparse.Namespace) -> int:
    balances = await desk.ledger.trial_balance()
    sums = totals(balances)
    if options.json:
        _print_json({"accounts": balances, "totals": sums})
    else:
        table = Table("account", "currency", "debit", "credit")
        for one in balances:
            table.add_row(one.account, one.currency, str(one.debit_minor), str(one.credit_minor))
        for total in sums:
            table.add_row("all accounts", total.currency, str(total.debit_minor), str(total.credit_minor))
        console.print(table)
    return DONE if all(total.debit_minor == total.credit_minor for total in sums) else LOOK


async def _statement(desk: LedgerDesk, options: argparse.Namespace) -> int:
    to_ms = now_ms() if options.to_ms is None else options.to_ms
    quiet = options.json or options.output is None
    entries = _scan(desk, "Reading the ledger", quiet=quiet, owner=options.owner)
    statement = await make_statement(entries, options.owner, options.from_ms, to_ms)
    if options.json:
        text = msgspec.json.encode(statement).decode() + "\n"
    else:
        reader = Reader(lang=options.lang, zone=options.zone)
        text = as_html(statement, reader) if options.format == "html" else as_csv(statement, reader)
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, "utf-8", newline="")
    return DONE


# ---------------------------------------------------------------- output


async def _scan(desk: LedgerDesk, title: str, *, quiet: bool, owner: str = "") -> AsyncIterator[Entry]:
    total = None if owner else (await desk.ledger.health()).entries
    with Progress(console=progress_console, disable=quiet) as progress:
        task = progress.add_task(title, total=total)
        async for entry in desk.ledger.scan(owner):
            progress.advance(task)
            yield entry


def _counted(options: argparse.Namespace, count: int, ids: Sequence[str]) -> int:
    _report(options, {"letters": count})
    return DONE if count >= len(set(ids)) else LOOK


def _report(options: argparse.Namespace, values: dict[str, int]) -> None:
    if options.json:
        _print_json(values)
    else:
        console.print(", ".join(f"{name}: {value}" for name, value in values.items()))


def _print_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _complain(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _since(oldest_ms: int | None) -> str:
    return "" if oldest_ms is None else f", the oldest since {_time(oldest_ms)}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
