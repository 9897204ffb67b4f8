"""What a run looked like, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from locust.stats import RequestStats, StatsEntry
from rich.console import Console
from rich.table import Table

from loadtests.audit.evidence import Verdict
from loadtests.audit.judgement import Judgement, judge

console = Console(highlight=False)

PERCENTILES = (0.5, 0.9, 0.99)
SHOWN_VIOLATIONS = 10
TITLES = {
    "answer": "Question to answer over the socket (ms, measured by the viewer)",
    "news": "News: from the server's time stamp to the viewer (ms)",
    "payment": "From paying at the provider to the sold order (ms; some callbacks come late on purpose)",
    "generator": "The swarm itself (ms late)",
    "GET": "Pages and API",
    "POST": "Pages and API",
}


def say(line: str) -> None:
    """Tells the person at the terminal how it goes."""
    console.print(f"  [dim]{line}[/dim]")


def print_measurements(stats: RequestStats) -> None:
    """Percentiles per kind of message, and how many failed."""
    by_title: dict[str, list[StatsEntry]] = {}
    for (_, method), entry in sorted(stats.entries.items()):
        by_title.setdefault(TITLES.get(method, method), []).append(entry)
    for title in dict.fromkeys(TITLES.values()):
        if title in by_title:
            console.print(_table(title, by_title[title]))


def _table(title: str, entries: Iterable[StatsEntry]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("what")
    for name in ("count", "failed", *(f"p{share * 100:g}" for share in PERCENTILES), "max"):
        table.add_column(name, justify="right")
    for entry in entries:
        percentiles = [f"{entry.get_response_time_percentile(share):g}" for share in PERCENTILES]
        worst = f"{entry.max_response_time:.0f}"
        table.add_row(entry.name, str(entry.num_requests), str(entry.num_failures), *percentiles, worst)
    return table


def print_outcomes(outcomes: Mapping[str, int]) -> None:
    """What became of wishes, payments, shares."""
    table = Table(title="What people did", title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in sorted(outcomes.items()):
        table.add_row(name, str(count))
    console.print(table)


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """The laws, and what speaks against them."""
    console.print("\n[bold]The audit[/bold] (from the provider's captures and the ledger)")
    for verdict in verdicts:
        mark = "[green]holds [/green]" if verdict.holds else "[red]BROKEN[/red]"
        console.print(f"  {mark} {verdict.law} [dim](checked: {verdict.checked})[/dim]")
        for violation in verdict.violations[:SHOWN_VIOLATIONS]:
            console.print(f"         {violation}", style="red")
        hidden = len(verdict.violations) - SHOWN_VIOLATIONS
        if hidden > 0:
            console.print(f"         … and {hidden} more", style="red")


def print_judgement(verdicts: Sequence[Verdict], sales: int) -> Judgement:
    """The laws, what speaks against them, and what the run is worth."""
    print_verdicts(verdicts)
    judgement = judge(verdicts, sales)
    if judgement is Judgement.PROVED_NOTHING:
        console.print("No sale opened while the show ran: nothing is proved about money", style="red")
    return judgement
