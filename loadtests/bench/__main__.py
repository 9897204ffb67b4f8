"""``python -m loadtests.bench [name …] [arguments]``: runs all benchmarks of this folder, or some.

A benchmark is a module here with a ``main``; its last line is one JSON object. Each runs in a process of its
own; one that does not finish is said so, and the others go on. A run of several writes ``reports/bench.md``,
one table with each figure, its baseline, its ratio and its target, and ``reports/bench.json`` with details.
The exit code is 1 if one did not finish; a missed target is a result, not a failure.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.machine import machine

FOLDER = Path(__file__).parent
REPORTS = Path("reports")
console = Console(highlight=False)

Results = dict[str, dict[str, Any] | None]
"""By module; ``None`` for one that did not finish."""


def main(arguments: Sequence[str]) -> int:
    """Runs what was asked for; returns the exit code."""
    known = sorted(benchmarks())
    if arguments and arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nBenchmarks: {', '.join(known)}")
        return 0
    words = list(takewhile(lambda word: not word.startswith("--"), arguments))
    names = [word.replace("-", "_") for word in words]
    unknown = [word for word, name in zip(words, names, strict=True) if name not in known]
    if unknown:
        console.print(f"There is no benchmark {unknown[0]}; there are {', '.join(known)}.", style="red")
        return 2
    chosen = names or known
    results = _run_all(chosen, arguments[len(names) :])
    failed = [name for name, result in results.items() if result is None]
    console.print(_table(results))
    console.print(f"[dim]{machine()}[/dim]")
    if len(chosen) == 1:
        print(json.dumps(results[chosen[0]]))
    elif failed:
        console.print(f"{len(failed)} of {len(chosen)} did not finish: {', '.join(failed)}", style="red")
    return 1 if failed else 0


def _run_all(chosen: Sequence[str], arguments: Sequence[str]) -> Results:
    """One after the other; what is known so far is written after each, so that an end loses nothing."""
    results: Results = {}
    for number, name in enumerate(chosen, 1):
        console.print(f"[bold]{name}[/bold] [dim]({number} of {len(chosen)})[/dim]")
        started = time.monotonic()
        results[name] = _run(name, arguments)
        console.print(f"  [dim]{time.monotonic() - started:.0f} s[/dim]")
        if len(chosen) > 1:
            _write(results)
    if len(chosen) > 1:
        console.print(f"[dim]Written to {REPORTS / 'bench.md'}[/dim]")
    return results


def benchmarks() -> Iterator[str]:
    """Names of the modules in this folder that can be run."""
    for file in FOLDER.glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        if file.stem != "__main__" and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            yield file.stem


def _run(name: str, arguments: Sequence[str]) -> dict[str, Any] | None:
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


def _table(results: Results) -> Table:
    table = Table(title="Benchmarks", title_justify="left")
    for heading in ("name", "value", "baseline", "ratio", "target", "ok"):
        table.add_column(heading)
    for name, result in results.items():
        if result is None:
            table.add_row(name, "[red]did not finish[/red]", "", "", "", "")
            continue
        ok = "[green]yes[/green]" if result["ok"] else "[red]no[/red]"
        value = f"{result['value']} {result['unit']}"
        baseline = f"{result['baseline']} ({result['baseline_is']})"
        table.add_row(result["name"], value, baseline, str(result["ratio"]), result["target"], ok)
    return table


def _write(results: Results) -> None:
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "bench.md").write_text(f"{machine()}\n\n{markdown(results)}")
    (REPORTS / "bench.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


def markdown(results: Results) -> str:
    """The table of all figures, as ``docs/performance.md`` carries it."""
    lines = ["| benchmark | value | baseline | ratio | target | met |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cells(name, result))} |" for name, result in results.items()]
    return "\n".join(lines) + "\n"


def _cells(name: str, result: dict[str, Any] | None) -> list[str]:
    if result is None:
        return [f"`{name}`", "did not finish", "", "", "", ""]
    cells = (
        f"`{result['name']}`",
        f"{result['value']:,} {result['unit']}",
        f"{result['baseline']:,}, {result['baseline_is']}",
        str(result["ratio"]),
        result["target"],
        "yes" if result["ok"] else "**no**",
    )
    return [cell.replace("|", "/") for cell in cells]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
