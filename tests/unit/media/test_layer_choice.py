from __future__ import annotations

import itertools
from collections.abc import Callable

from media.layer_choice import FIRST_PAUSE_SECONDS, SETTLE_SECONDS, LayerChoice

BITRATES = {0: 150_000.0, 1: 600_000.0, 2: 2_500_000.0}


class Line:
    """A viewer's choice, asked once a second as a stream does."""

    def __init__(self, layer: int) -> None:
        self.choice = LayerChoice(0.0)
        self.layer = layer
        self.changes: list[tuple[float, int]] = []
        self.now = 0.0
        self.sent = 0

    def pass_seconds(self, seconds: int, feedback: Callable[[Line], None] = lambda _: None) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.sent += 100
            feedback(self)
            layer = self.choice.choose(self.layer, BITRATES, self.sent, self.now)
            if layer != self.layer:
                self.layer = layer
                self.changes.append((self.now, layer))
                self.choice.switched(self.now)

    def carries(self, bits_per_second: float) -> None:
        """Lose what is over the line's capacity, as a viewer reports it."""
        over = max(0.0, 1 - bits_per_second / BITRATES[self.layer])
        self.choice.hear_loss(over)
        self.choice.hear_estimate(min(bits_per_second, 1.4 * BITRATES[self.layer]), self.now)


def test_a_good_line_stays_with_the_best() -> None:
    line = Line(2)
    line.pass_seconds(60, lambda line: line.carries(10_000_000))

    assert line.changes == []


def test_a_thin_line_is_soon_on_what_it_carries() -> None:
    line = Line(2)
    line.pass_seconds(5, lambda line: line.carries(300_000))

    assert line.layer == 0


def test_a_queue_that_grows_is_told_by_the_estimate_alone() -> None:
    line = Line(2)
    line.pass_seconds(4, lambda line: line.choice.hear_estimate(3_000_000, line.now))
    line.pass_seconds(8, lambda line: line.choice.hear_estimate(900_000 - 50_000 * line.now, line.now))

    assert line.changes[0][1] == 0


def test_an_estimate_that_is_still_rising_holds_nobody_back() -> None:
    line = Line(2)
    line.pass_seconds(20, lambda line: line.choice.hear_estimate(400_000 * 1.08**line.now, line.now))

    assert line.changes == []


def test_a_moment_of_loss_changes_nothing() -> None:
    line = Line(2)
    line.pass_seconds(10)
    line.choice.hear_loss(0.12)
    line.pass_seconds(1)
    line.pass_seconds(10)

    assert line.changes == []


def test_packets_that_are_asked_for_again_are_loss_even_where_reports_say_none() -> None:
    line = Line(2)
    line.pass_seconds(10, lambda line: line.choice.hear_missing(20))

    assert line.layer < 2


def test_the_burst_of_a_start_is_not_held_against_the_line() -> None:
    line = Line(2)
    line.pass_seconds(int(SETTLE_SECONDS) - 1, lambda line: line.choice.hear_estimate(100_000, line.now))
    line.pass_seconds(20, lambda line: line.choice.hear_estimate(3_000_000, line.now))

    assert line.changes == []


def test_a_line_that_widens_comes_back_step_by_step() -> None:
    line = Line(0)
    line.pass_seconds(3 * int(FIRST_PAUSE_SECONDS), lambda line: line.carries(10_000_000))

    assert [layer for _, layer in line.changes] == [1, 2]


def test_attempts_that_fail_grow_rarer() -> None:
    line = Line(0)
    line.pass_seconds(300, lambda line: line.carries(400_000))

    attempts = [at for at, layer in line.changes if layer == 1]
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert 3 <= len(attempts) <= 7
    assert gaps == sorted(gaps)


def test_a_layer_that_no_longer_flows_is_left_at_once() -> None:
    choice = LayerChoice(0.0)

    assert choice.choose(2, {0: 150_000.0, 1: 600_000.0}, 9, 1.0) == 1
    assert choice.choose(2, {}, 9, 1.0) == 2


def test_the_order_of_layers_is_that_of_their_bitrates() -> None:
    choice = LayerChoice(0.0)
    reversed_layers = {0: 2_500_000.0, 1: 600_000.0, 2: 150_000.0}
    choice.hear_loss(0.5)
    assert choice.choose(0, reversed_layers, 100, 5.0) == 0
    choice.hear_loss(0.5)

    assert choice.choose(0, reversed_layers, 200, 7.0) == 1
