"""Percentiles over time, and growth."""

from __future__ import annotations

import pytest

from loadtests.sampler import Sample, growth, line_through
from loadtests.timeline import Timeline, percentile


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 50) == 51.0
    assert percentile(values, 99) == 100.0
    assert percentile([7.0], 50) == 7.0


def test_a_timeline_counts_failures_beside_answers() -> None:
    timeline = Timeline()
    timeline.hear("answer", 10.0)
    timeline.hear("answer", 30.0, RuntimeError("refused"))
    timeline.hear("news", 5.0)
    bins = timeline.bins()
    assert [(one.count, one.failures) for one in bins["answer"]] == [(2, 1)]
    assert bins["answer"][0].percentiles_ms["p99"] == 30.0
    assert bins["news"][0].failures == 0


def test_a_line_is_found_in_its_points() -> None:
    slope, explained = line_through([(x, 3 * x + 1) for x in range(10)])
    assert slope == pytest.approx(3)
    assert explained == pytest.approx(1)


def test_a_timeline_hears_what_others_took_down_once() -> None:
    master, workers = Timeline(), [Timeline(), Timeline()]
    for number, worker in enumerate(workers):
        worker.hear("answer", 10.0 * number, RuntimeError("refused") if number else None)
        master.add(worker.take())
        master.add(worker.take())
    (bin,) = master.bins()["answer"]
    assert (bin.count, bin.failures, bin.percentiles_ms["p99"]) == (2, 1, 10.0)


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0)] * 5, [(float(x), 2.0) for x in range(9)]])
def test_no_line_is_found_where_there_is_none(points: list[tuple[float, float]]) -> None:
    assert line_through(points) == (0.0, 0.0)


def test_a_leak_is_named_and_a_steady_process_is_not() -> None:
    def sample(minute: int, resident_mb: float) -> Sample:
        return Sample(
            at_seconds=minute * 60.0, cpu_share=0.1, resident_mb=resident_mb, descriptors=20, threads=3
        )

    samples = {
        "leaks": [sample(minute, 100 + minute) for minute in range(60)],
        "steady": [sample(minute, 100) for minute in range(60)],
    }
    found = {(one.process, one.what): one for one in growth(samples)}
    assert found["leaks", "resident_mb"].per_hour == pytest.approx(60)
    assert found["leaks", "resident_mb"].share_explained == pytest.approx(1)
    assert found["steady", "resident_mb"].per_hour == 0
    assert found["leaks", "descriptors"].per_hour == 0
