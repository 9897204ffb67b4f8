"""``python -m loadtests.bench [name] [arguments]``: runs all benchmarks of this folder, or one.

A benchmark is a module here with a ``main``; its last line is one JSON object. Each runs in a process of its
own. A run of all writes ``reports/bench.md``, one table with each figure, its baseline, its ratio and its
target, and ``reports/bench.json`` with the details. The exit code is 1 if one did not finish; a missed target
is a result, not a failure.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.machine import machine

FOLDER = Path(__file__).parent
REPORTS = Path("reports")
console = Console(highlight=False)


def main(arguments: Sequence[str]) -> int:
    """Runs what was asked for; returns the exit code."""
    known = sorted(benchmarks())
    if arguments and arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nBenchmarks: {', '.join(known)}")
        return 0
    chosen = [arguments[0].replace("-", "_")] if arguments else known
    if not set(chosen) <= set(known):
        console.print(f"There is no benchmark {arguments[0]}; there are {', '.join(known)}.", style="red")
        return 2
    results = {name: _run(name, arguments[1:]) for name in chosen}
    console.print(_table(result for result in results.values() if result is not None))
    console.print(f"[dim]{machine()}[/dim]")
    if len(chosen) == 1:
        print(json.dumps(results[chosen[0]]))
    else:
        _write([result for result in results.values() if result is not None])
    return 0 if all(results.values()) else 1


def benchmarks() -> Iterator[str]:
    """Names of the modules in this folder that can be run."""
    for file in FOLDER.glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        if file.stem != "__main__" and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            yield file.stem


def _run(name: str, arguments: Sequence[str]) -> dict[str, Any] | None:
    console.print(f"[bold]{name}[/bold]")
    words = [sys.executable, "-m", f"loadtests.bench.{name}", *arguments]
    last = ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            last = line
    try:
        result = json.loads(last) if process.returncode == 0 else None
    except ValueError:
        result = None
    if not isinstance(result, dict):
        console.print(f"  {name} did not finish (exit code {process.returncode})", style="red")
        return None
    return result


def _table(results: Iterator[dict[str, Any]]) -> Table:
    table = Table(title="Benchmarks", title_justify="left")
    for heading in ("name", "value", "baseline", "ratio", "target", "ok"):
        table.add_column(heading)
    for result in results:
        ok = "[green]yes[/green]" if result["ok"] else "[red]no[/red]"
        value = f"{result['value']} {result['unit']}"
        baseline = f"{result['baseline']} ({result['baseline_is']})"
        table.add_row(result["name"], value, baseline, str(result["ratio"]), result["target"], ok)
    return table


def _write(results: Sequence[dict[str, Any]]) -> None:
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "bench.md").write_text(f"{machine()}\n\n{markdown(results)}")
    (REPORTS / "bench.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=1))
    console.print(f"[dim]Written to {REPORTS / 'bench.md'}[/dim]")


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of all figures, as ``docs/performance.md`` carries it."""
    lines = ["| benchmark | value | baseline | ratio | target | met |", "|---|---|---|---|---|---|"]
    for one in results:
        met = "yes" if one["ok"] else "**no**"
        cells = (
            f"`{one['name']}`",
            f"{one['value']:,} {one['unit']}",
            f"{one['baseline']:,}, {one['baseline_is']}",
            str(one["ratio"]),
            one["target"],
            met,
        )
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
