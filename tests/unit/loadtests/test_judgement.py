"""What a run proves."""

from __future__ import annotations

from loadtests.audit.evidence import Verdict
from loadtests.audit.judgement import Judgement, judge
from loadtests.programme import LEAST_ACTS, LONGEST_ACT_SECONDS, act_seconds

HELD, BROKEN = Verdict("a law", 3, ()), Verdict("another", 3, ("evidence",))


def test_laws_that_hold_while_people_could_buy_prove_something() -> None:
    assert judge([HELD], sales=1) is Judgement.PROVED


def test_a_run_without_a_sale_does_not_pass_for_a_proof() -> None:
    assert judge([HELD], sales=0) is Judgement.PROVED_NOTHING


def test_one_broken_law_is_enough_with_and_without_sales() -> None:
    assert [judge([HELD, BROKEN], sales) for sales in (0, 1)] == [Judgement.BROKEN] * 2


def test_a_short_show_has_two_acts_and_a_long_one_more() -> None:
    assert act_seconds(20) * LEAST_ACTS < 20
    assert act_seconds(3_600) == LONGEST_ACT_SECONDS
