"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import nan

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from loadtests import distributions as people_do
from loadtests.report.ink import BAND, CARD, FAINT, GRID, INK, SERIES, STYLE, svg
from loadtests.run import Occurrence, Run
from loadtests.sampler import Sample
from loadtests.timeline import Bin

WIDTH_INCHES, ROW_INCHES = 11.0, 1.75
STRIP_INCHES_EACH = 0.24
TITLES = {"news": "News: server's time stamp to viewer", "answer": "Question to answer"}
THROUGHPUT = {"answer": "answers", "news": "news", "GET": "GET", "POST": "POST"}
LEAST_SHOWN_MS = 0.5
"""A logarithm has no zero."""
LEAST_SHOWN_SECONDS = 0.3
"""What took no time is seen all the same."""
FINE_RATIO = 300.0
"""Up to this ratio of its ends a logarithmic axis is marked at 1, 2 and 5; beyond, at powers of ten."""
COLUMNS = 4
CHOICE_COLUMNS = 2
"""Names of habits are long."""
CELL_INCHES = 1.8
STEPS = 120

Draw = Callable[[Axes, Run], None]


def over_time(run: Run) -> str:
    """Latency, throughput, CPU, memory and what was done to the system, all on one axis of time."""
    rows: list[tuple[float, Draw]] = [
        (1.2, _latency("news")),
        (1.2, _latency("answer")),
        (1.0, _throughput),
        (1.0, _cpu),
        (1.0, _memory),
    ]
    if run.attendance:
        rows.insert(0, (0.7, _attendance))
    targets = len({one.target for one in run.occurrences})
    if targets:
        rows.append((max(0.5, targets * STRIP_INCHES_EACH / ROW_INCHES), _occurrences))
    height = ROW_INCHES * sum(share for share, _ in rows)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.subplots(
            len(rows), 1, sharex=True, squeeze=False, height_ratios=[share for share, _ in rows]
        )
        for (_, draw), row in zip(rows, axes[:, 0], strict=True):
            _shade(row, run.occurrences)
            draw(row, run)
        axes[-1, 0].set_xlabel("seconds")
        axes[-1, 0].set_xlim(0, max(1.0, run.seconds))
    return svg(figure)


def _shade(axes: Axes, occurrences: Sequence[Occurrence]) -> None:
    for one in occurrences:
        ended = max(one.ended_seconds, one.started_seconds + LEAST_SHOWN_SECONDS)
        axes.axvspan(one.started_seconds, ended, color=BAND, alpha=0.12, linewidth=0)


def _attendance(axes: Axes, run: Run) -> None:
    axes.set_title("People in the room")
    times = [one.at_seconds for one in run.attendance]
    axes.plot(times, [one.people for one in run.attendance], color=SERIES[4])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))


def _latency(kind: str) -> Draw:
    def draw(axes: Axes, run: Run) -> None:
        axes.set_title(f"{TITLES[kind]} (ms)")
        bins: Sequence[Bin] = run.timeline.get(kind, ())
        for colour, share in zip((SERIES[0], SERIES[1], SERIES[3]), ("p50", "p95", "p99"), strict=True):
            known = {one.at_seconds: max(LEAST_SHOWN_MS, one.percentiles_ms[share]) for one in bins}
            times, values = _unbroken(known, nan)
            axes.plot(times, values, color=colour, label=share, marker=".", markersize=4)
        if bins:
            _logarithmic(axes)
            _legend(axes)

    return draw


def _unbroken(known: Mapping[float, float], otherwise: float) -> tuple[list[float], list[float]]:
    """Times and values of every stretch, also of those in which nothing was measured."""
    length, whole = _length(known), dict(known)
    for sooner, later in pairwise(known):
        for step in range(1, round((later - sooner) / length)):
            whole[sooner + step * length] = otherwise
    times = sorted(whole)
    return times, [whole[time] for time in times]


def _logarithmic(axes: Axes) -> None:
    """Few marks, in plain numbers."""
    axes.set_yscale("log")
    least, most = axes.get_ylim()
    marks = (1.0, 2.0, 5.0) if most / least < FINE_RATIO else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=marks))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _throughput(axes: Axes, run: Run) -> None:
    axes.set_title("Measurements per second, and failures")
    for number, (kind, name) in enumerate(THROUGHPUT.items()):
        bins = run.timeline.get(kind, ())
        if bins:
            known = {one.at_seconds: float(one.count) for one in bins}
            length = _length(known)
            seconds, counted = _unbroken(known, 0.0)
            axes.plot(seconds, [count / length for count in counted], color=SERIES[number], label=name)
    failed = [
        (one.at_seconds, one.failures) for bins in run.timeline.values() for one in bins if one.failures
    ]
    if failed:
        times, counts = [at for at, _ in failed], [count for _, count in failed]
        axes.scatter(times, counts, s=12, color=SERIES[3], marker="x", label="failures", zorder=3)
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Beside the title, where it hides nothing."""
    axes.legend(ncols=10, loc="lower right", bbox_to_anchor=(1.0, 0.97), borderpad=0.1, columnspacing=1.2)


def _length(times: Iterable[float]) -> float:
    """Of a stretch, where some are missing."""
    return min((later - sooner for sooner, later in pairwise(times)), default=1.0)


def _cpu(axes: Axes, run: Run) -> None:
    axes.set_title("CPU (% of a core)")
    _per_process(axes, run.samples, lambda sample: sample.cpu_share * 100)


def _memory(axes: Axes, run: Run) -> None:
    axes.set_title("Resident memory (MB)")
    _per_process(axes, run.samples, lambda sample: sample.resident_mb)


def _per_process(
    axes: Axes, samples: Mapping[str, Sequence[Sample]], value: Callable[[Sample], float]
) -> None:
    for number, (name, looks) in enumerate(sorted(samples.items())):
        axes.plot(
            [look.at_seconds for look in looks],
            [value(look) for look in looks],
            color=SERIES[number % len(SERIES)],
            label=name,
        )
    axes.set_ylim(bottom=0)
    _legend(axes)


def _occurrences(axes: Axes, run: Run) -> None:
    axes.set_title("What was done to it")
    targets = sorted({one.target for one in run.occurrences}, reverse=True)
    kinds = sorted({one.what for one in run.occurrences})
    told = set[str]()
    for one in run.occurrences:
        axes.barh(
            targets.index(one.target),
            max(LEAST_SHOWN_SECONDS, one.ended_seconds - one.started_seconds),
            left=one.started_seconds,
            height=0.62,
            color=SERIES[kinds.index(one.what) % len(SERIES)],
            hatch="///" if kinds.index(one.what) >= len(SERIES) else None,
            edgecolor=FAINT if one.missed else CARD,
            alpha=0.25 if one.missed else 0.9,
            label=None if one.what in told else one.what,
        )
        told.add(one.what)
    axes.set_yticks(range(len(targets)), targets)
    axes.set_ylim(-0.75, len(targets) - 0.25)
    axes.grid(visible=False, axis="y")
    axes.legend(ncols=5, loc="upper left", bbox_to_anchor=(0.0, -0.32 if len(targets) > 4 else -0.6))


# ---------------------------------------------------------------- what people did, beside what was asked for


def distributions(run: Run) -> str:
    """Each distribution as it was drawn (steps) and as it was asked for (line)."""
    named = {name: one for name, one in people_do.named().items() if run.drawn.get(name)}
    choices = {name: one for name, one in named.items() if isinstance(one, people_do.Choice)}
    others = {name: one for name, one in named.items() if not isinstance(one, people_do.Choice)}
    above, below = _rows(len(others), COLUMNS), _rows(len(choices), COLUMNS // CHOICE_COLUMNS)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, CELL_INCHES * (above + below)), layout="constrained")
        # apart, so that the long names of habits take no room from the columns above
        parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(above, below))
        times, habits = parts[:, 0]
        grid = times.add_gridspec(above, COLUMNS)
        for number, (name, asked) in enumerate(others.items()):
            cell = times.add_subplot(grid[divmod(number, COLUMNS)])
            _name(cell, name, run, "" if isinstance(asked, people_do.Geometric) else " (s)")
            _cumulated(cell, [float(value) for value in run.drawn[name]], asked)
        grid = habits.add_gridspec(below, COLUMNS // CHOICE_COLUMNS)
        for number, (name, choice) in enumerate(choices.items()):
            cell = habits.add_subplot(grid[divmod(number, COLUMNS // CHOICE_COLUMNS)])
            _name(cell, name, run)
            _shares(cell, run.drawn[name], choice)
    return svg(figure)


def _rows(cells: int, columns: int) -> int:
    return max(1, -(-cells // columns))


def _name(axes: Axes, name: str, run: Run, unit: str = "") -> None:
    axes.set_title(f"{shown_name(name)}{unit}, {len(run.drawn[name])} drawn", fontsize=8.5)


def shown_name(distribution: str) -> str:
    """What a distribution is called on the page."""
    return distribution.lower().replace("_", " ")


def _cumulated(
    axes: Axes,
    drawn: Sequence[float],
    asked: people_do.LogNormal | people_do.Exponential | people_do.Geometric,
) -> None:
    values = sorted(drawn)
    most = values[-1]
    if isinstance(asked, people_do.Geometric):
        most = max(1.0, most)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    grid = [most * step / STEPS for step in range(STEPS + 1)]
    shares = [(index + 1) / len(values) for index in range(len(values))]
    axes.step([0.0, *values, most], [0.0, *shares, 1.0], where="post", color=SERIES[0], label="drawn")
    axes.plot(
        grid, [asked.share_below(value) for value in grid], color=SERIES[1], linestyle="--", label="asked"
    )
    axes.set_ylim(0, 1.02)
    axes.set_yticks((0, 0.5, 1), ("0", "50%", "100%"))


def _shares(axes: Axes, drawn: Sequence[float | str], asked: people_do.Choice) -> None:
    total = sum(asked.weights.values())
    names = list(asked.weights)
    for number, name in enumerate(names):
        axes.barh(number, sum(one == name for one in drawn) / len(drawn), color=SERIES[0], height=0.6)
        share = asked.weights[name] / total
        axes.plot([share, share], [number - 0.42, number + 0.42], color=SERIES[1], linewidth=2)
    axes.set_yticks(range(len(names)), [str(name) for name in names], fontsize=8, color=INK)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(visible=True, axis="x", color=GRID)
