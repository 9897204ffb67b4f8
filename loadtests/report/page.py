"""The page around the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from loadtests import distributions as people_do
from loadtests.report.charts import distributions, over_time, shown_name
from loadtests.run import Row, Run
from loadtests.sampler import Growth

FOLDER = Path(__file__).parent
TABLES = {
    "answer": "Question to answer over the socket, measured by the viewer",
    "news": "News, from the server's time stamp to the viewer",
    "payment": "From paying at the provider to the sold order; some callbacks come late on purpose",
    "GET": "Pages and API: GET",
    "POST": "Pages and API: POST",
    "generator": "The swarm itself: how late it is",
}
CLEAR = 0.6
"""From this share of explained variation on a slope counts as growth, not as noise."""
LEAST_GROWTH = {"resident_mb": 5.0, "descriptors": 10.0, "threads": 2.0, "tasks": 10.0}
"""Per hour; less is nobody's trouble."""
LONG_SECONDS = 600.0
"""A shorter run shows how things warm up, not whether they leak."""
WORDS = {"resident_mb": "resident memory (MB)"}


def render(run: Run) -> str:
    """The whole page, style and pictures included."""
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True)
    return environment.get_template("page.html").render(
        run=run,
        style=(FOLDER / "page.css").read_text("utf-8"),
        when=datetime.fromtimestamp(run.started_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        over_time=over_time(run),
        distributions=distributions(run),
        sources=_sources(run),
        tables=[
            (title, rows) for kind, title in TABLES.items() if (rows := _of_kind(run.measurements, kind))
        ],
        tiles=_tiles(run),
        growing=[one for one in run.growth if is_growth(one)],
        is_long=run.seconds >= LONG_SECONDS,
        words=WORDS,
    )


def _sources(run: Run) -> list[tuple[str, str, str]]:
    """Of each distribution that was drawn from: its name, its shape, its source or reason."""
    reasons = people_do.reasons()
    return [
        (shown_name(name), str(one), reasons[name])
        for name, one in people_do.named().items()
        if run.drawn.get(name)
    ]


def is_growth(one: Growth) -> bool:
    """Whether something grows, clearly and enough to matter."""
    return one.share_explained >= CLEAR and one.per_hour >= LEAST_GROWTH[one.what]


def _of_kind(rows: Iterable[Row], kind: str) -> list[Row]:
    return [row for row in rows if row.kind == kind]


def _tiles(run: Run) -> list[tuple[str, str]]:
    """The figures that one looks at first."""
    held = sum(law.holds for law in run.laws)
    count = sum(row.count for row in run.measurements if row.kind != "generator")
    failures = sum(row.failures for row in run.measurements)
    tiles = [
        ("laws that hold", f"{held} of {len(run.laws)}"),
        ("orders granted", _outcome(run, "wishes granted")),
    ]
    tiles += [("measurements", f"{count:,}"), ("failures", f"{failures:,}")]
    for name, kind, label in (
        ("buy", "answer", "a tap is answered, p99"),
        ("comments", "news", "a comment is seen, p99"),
    ):
        row = next((one for one in run.measurements if (one.kind, one.name) == (kind, name)), None)
        if row is not None:
            tiles.append((label, f"{row.percentiles_ms['p99']:g} ms"))
    blows = len(run.occurrences)
    return [*tiles, ("blows", str(blows))] if blows else tiles


def _outcome(run: Run, name: str) -> str:
    return f"{run.outcomes.get(name, 0):,}"
