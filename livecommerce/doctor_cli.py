"""``livecommerce doctor``: whether this deployment works from here, and what to do where it does not.

Exit codes: 0 all is well, 1 something does not work, 2 there is something to look at.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from livecommerce.doctor import probes
from livecommerce.doctor.finding import Finding, exit_code, wrong
from livecommerce.doctor.media_probe import look_at_media
from livecommerce.doctor.place import Place, find_place
from livecommerce.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Probe = Callable[[Place], Awaitable[Iterable[Finding]]]

PROBES: dict[str, Probe] = {
    "settings": probes.look_at_settings,
    "disk": probes.look_at_disk,
    "valkey": probes.look_at_redis,
    "database": probes.look_at_sql,
    "ledger": probes.look_at_ledger,
    "gateway": probes.look_at_gateway,
    "media": look_at_media,
}
PROBE_SECONDS = 60.0
MARKS = {"well": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "wrong": "[red]✗[/red]"}
NAME_WIDTH = max(map(len, [*PROBES, "picture", "address"]))

console = Console(highlight=False, soft_wrap=True)
progress_console = Console(stderr=True)


def add_doctor_command(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``doctor`` to the command line."""
    doctor = commands.add_parser("doctor", help="say what works from here, and what to do where it does not")
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    doctor.set_defaults(run=_run)


def _run(settings: Settings, options: argparse.Namespace) -> int:
    logging.disable()  # what a driver complains of is a finding here
    findings = asyncio.run(_examine(find_place(settings, os.environ), quiet=options.json))
    if options.json:
        document = {"exit_code": exit_code(findings), "findings": findings}
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        _show(findings)
    return exit_code(findings)


async def _examine(place: Place, *, quiet: bool) -> list[Finding]:
    findings: list[Finding] = []
    with Progress(console=progress_console, disable=quiet, transient=True) as progress:
        task = progress.add_task("", total=len(PROBES))
        for name, probe in PROBES.items():
            progress.update(task, description=f"Looking at {name}")
            findings += await _look(name, probe, place)
            progress.advance(task)
    return findings


async def _look(name: str, probe: Probe, place: Place) -> list[Finding]:
    """One part; a fault in looking at it does not hide the others."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return list(await probe(place))
    except TimeoutError:
        return [
            wrong(name, f"It did not answer within {PROBE_SECONDS:g} s.", "Look at its log and its load.")
        ]
    except Exception as error:
        return [wrong(name, f"It could not be looked at: {error!r}.", "Check its settings.")]


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        console.print(f"{MARKS[finding.state]} {finding.part:{NAME_WIDTH}}  {escape(finding.says)}")
        if finding.do:
            console.print(f"  {'':{NAME_WIDTH}}  [dim]→ {escape(finding.do)}[/dim]")
    console.print(_summary(findings))


def _summary(findings: list[Finding]) -> str:
    count = {state: sum(finding.state == state for finding in findings) for state in MARKS}
    if count["wrong"]:
        return f"[bold red]{count['wrong']} of {len(findings)} do not work.[/bold red]"
    if count["warning"]:
        return f"[bold yellow]It works; {count['warning']} to look at.[/bold yellow]"
    return "[bold green]All is well.[/bold green]"
