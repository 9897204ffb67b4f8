"""A rates file is read whole, or refused with the place of each mistake; a wrong one changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.cli import main
from livecommerce.fees import BUILT_IN, Override, PaymentFee, Rates
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.money import PPM
from livecommerce.rates_file import BadRates, percent, read_rates

BASE = """\
[[rates]]
commission = "5%"
technical_fee = "0.6%"
creator = "20%"
"""
FULL = f"""\
# our rates
{BASE}
[[rates]]
category = "tea"
from = 2026-11-01T00:00:00+08:00
commission = "8.25%"

[[payment]]
fee = "0.38%"
bearer = "platform"

[[overrides]]
tag = "double eleven"
campaign = "00campaign"
from = 2026-11-11T00:00:00+08:00
to = 2026-11-12T00:00:00+08:00
commission = "2%"
"""
NOVEMBER_MS = 1_793_462_400_000
ELEVENTH_MS = 1_794_326_400_000


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(BadRates) as refused:
        read_rates(text)
    return refused.value.problems


def test_a_file_says_rates_payment_and_overrides() -> None:
    book = read_rates(FULL)
    assert book.rates_at("tea", NOVEMBER_MS - 1).commission_ppm == 50_000
    assert book.rates_at("tea", NOVEMBER_MS) == Rates(
        commission_ppm=82_500, technical_fee_ppm=6_000, creator_ppm=200_000
    )
    assert book.payment == (PaymentFee(fee_ppm=3_800, bearer="platform"),)
    assert book.overrides == (
        Override(
            tag="double eleven",
            campaign="00campaign",
            from_ms=ELEVENTH_MS,
            to_ms=ELEVENTH_MS + 86_400_000,
            commission_ppm=20_000,
        ),
    )


def test_the_example_of_the_documentation_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text("utf-8")
    example = next(block for block in page.split("```") if block.startswith("toml\n[[rates]]"))
    book = read_rates(example.removeprefix("toml\n"))
    assert book.rates_at("fresh-food", 0).commission_ppm == 20_000
    assert [one.tag for one in book.overrides] == ["double eleven"]


TEA = '[[rates]]\ncategory = "tea"\n'


@pytest.mark.parametrize("share", ['commission = "2%"', 'commission = "10%"', 'technical_fee = "1%"'])
def test_the_bounds_of_what_the_platform_takes_are_within_them(share: str) -> None:
    read_rates(BASE + TEA + share)


@pytest.mark.parametrize(
    ("share", "problem"),
    [
        ('commission = "1.9999%"', "commission: 1.9999% is not within 2% and 10%"),
        ('commission = "50%"', "commission: 50% is not within 2% and 10%"),
        ('technical_fee = "0.5%"', "technical_fee: 0.5% is not within 0.6% and 1%"),
        ('technical_fee = "1.1%"', "technical_fee: 1.1% is not within 0.6% and 1%"),
    ],
)
def test_what_the_platform_takes_is_within_bounds(share: str, problem: str) -> None:
    (told,) = problems(BASE + "\n" + TEA + share)
    assert told.startswith(f"line 6, [[rates]], {problem}")
    assert "[bounds]" in told


def test_an_override_may_ask_for_less_than_usual_and_not_for_more() -> None:
    start = BASE + '[[overrides]]\ntag = "gala"\nsegment = "s"\n'
    assert read_rates(start + 'commission = "0%"\n').overrides[0].commission_ppm == 0
    (told,) = problems(start + 'commission = "11%"\n')
    assert told.startswith("line 5, [[overrides]], commission: 11% is not within")


def test_other_bounds_are_said_in_the_file() -> None:
    wide = '[bounds]\ncommission = { least = "0%", most = "12.5%" }\n'
    book = read_rates(wide + BASE.replace('"5%"', '"0%"') + TEA + 'commission = "12.5%"\n')
    assert book.rates_at("tea", 0).commission_ppm == 125_000
    assert problems(wide + BASE + TEA + 'commission = "13%"\n')
    assert problems(wide + BASE + TEA + 'technical_fee = "2%"\n')  # as usual, where nothing is said


@pytest.mark.parametrize(
    ("bounds", "problem"),
    [
        (
            'commission = { least = "3%", most = "2%" }',
            "line 1, [bounds], commission: least is more than most",
        ),
        ('commission = { least = "x" }', "line 1, [bounds], commission.least: 'x' is no percentage"),
        ('creator = { least = "1%" }', "line 1, [bounds], there is an unknown field `creator`"),
    ],
)
def test_bounds_that_are_wrong_are_refused(bounds: str, problem: str) -> None:
    assert problems(f"[bounds]\n{bounds}\n{BASE}")[0].startswith(problem)


def test_a_payment_fee_that_begins_later_leaves_the_usual_one_before() -> None:
    book = read_rates(BASE + '[[payment]]\nfrom = 2026-11-01T00:00:00+08:00\nfee = "1%"\n')
    assert [book.payment_at(at_ms).fee_ppm for at_ms in (NOVEMBER_MS - 1, NOVEMBER_MS)] == [6_000, 10_000]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (
            '[[rates]]\ncategory = "tea"\ncommission = "5"\n',
            "[[rates]], commission: '5' is no percentage",
        ),
        ('[[rates]]\ncategory = "tea"\ncommission = 5\n', "line 5, [[rates]], commission: Expected `str"),
        ('[[rates]]\ncategory = "tea"\ncreator = "101%"\n', "line 5, [[rates]], creator: 101% is more than"),
        ('[[rates]]\ncategory = "tea"\ncomission = "5%"\n', "unknown field `comission`"),
        ('[[rates]]\ncategory = "tea"\n', "line 5, [[rates]], says none of commission"),
        (
            '[[rates]]\nfrom = 2026-11-11\ncreator = "1%"\n',
            "line 5, [[rates]], from: needs date, time",
        ),
        ('[[rates]]\nfrom = 2026-11-11T00:00:00\ncreator = "1%"\n', "from: needs date, time and zone"),
        ('[[payment]]\nbearer = "merchant"\n', "line 5, [[payment]], there is no required field `fee`"),
        ('[[payment]]\nfee = "1%"\nbearer = "buyer"\n', "line 5, [[payment]], bearer: "),
        (
            '[[overrides]]\ntag = "x"\ncreator = "1%"\n',
            "line 5, [[overrides]], says neither campaign",
        ),
        ('[[overrides]]\ntag = "x"\nsegment = "s"\n', "line 5, [[overrides]], says none of"),
        (
            '[[overrides]]\ntag = "x"\nsegment = "s"\ncreator = "1%"\n'
            "from = 2026-11-11T00:00:00Z\nto = 2026-11-11T08:00:00+08:00\n",
            "line 5, [[overrides]], to: is not after from",
        ),
        (BASE, "[[rates]] of every category: two begin from the beginning"),
        ('rate = "5%"\n', "unknown field `rate`"),
        ("[[discounts]]\n", "discounts: there are only rates, payment, overrides"),
        ("[payment]\nfee = 1\n", "payment: is written [[payment]]"),
        ("[[rates]\n", "this is no TOML: "),
    ],
)
def test_a_mistake_is_named_with_its_place(more: str, problem: str) -> None:
    assert problem in "\n".join(problems(BASE + more))


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems('[[rates]]\ncommission = "x"\n[[payment]]\nfee = "y"\n')) == 3


@pytest.mark.parametrize("text", ["", "# nothing yet\n", '[[rates]]\ncategory = "tea"\ncommission = "5%"\n'])
def test_a_file_that_leaves_goods_without_rates_is_refused(text: str) -> None:
    assert "one must have neither category nor from" in problems(text)[-1]


def test_two_overrides_of_the_same_orders_at_the_same_time_are_refused() -> None:
    twice = FULL + FULL[FULL.index("[[overrides]]") :].replace("double eleven", "again")
    assert problems(twice) == (
        "[[overrides]]: double eleven and again are about the same orders at the same time",
    )


@pytest.mark.parametrize(
    ("more", "who"),
    [
        (
            '[[rates]]\ncategory = "tea"\ncreator = "94.5%"\n',
            "shares of tea are 100.1% from the",
        ),
        (
            '[[rates]]\nfrom = 2026-11-01T00:00:00+08:00\ncreator = "95%"\n',
            "shares of every category are 100.6% from 2026-10-31T16:00:00+00:00",
        ),
        (
            '[[overrides]]\ntag = "gala"\nsegment = "s"\ncreator = "94.5%"\n',
            "shares of every category in gala are 100.1% from the beginning",
        ),
    ],
)
def test_a_file_whose_shares_are_more_than_the_whole_is_refused(more: str, who: str) -> None:
    (problem,) = problems(BASE + more)
    assert problem.startswith(who)
    assert problem.endswith("at most 100% can be shared")


def test_shares_may_take_the_whole_but_not_a_millionth_more() -> None:
    assert read_rates(BASE.replace('"20%"', '"94.4%"')).most_brand_ppm(0) == 0
    assert problems(BASE.replace('"20%"', '"94.4001%"'))


@given(st.integers(0, PPM))
def test_a_rate_that_is_shown_is_read_as_the_same(ppm: int) -> None:
    free = '[bounds]\ncommission = { least = "0%" }\ntechnical_fee = { least = "0%" }\n'
    text = free + BASE.replace('"5%"', '"0%"').replace('"0.6%"', '"0%"').replace('"20%"', f'"{percent(ppm)}"')
    assert read_rates(text).rates_at("", 0).creator_ppm == ppm


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(BadRates):
        read_rates(text)


def test_an_edited_file_holds_at_once_and_a_wrong_or_missing_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "rates.toml"
    rates = CurrentRates(file, optional=True)
    assert rates() == BUILT_IN
    file.write_text(FULL)
    rates.reload()
    assert rates() == read_rates(FULL)
    file.write_text(FULL.replace("8.25%", "825%"))
    rates.reload()
    assert rates() == read_rates(FULL)
    assert "line 7, [[rates]], commission: 825% is more than the whole" in caplog.text
    file.unlink()
    rates.reload()
    assert rates() == read_rates(FULL)


def test_nothing_starts_with_a_wrong_file_or_without_one_that_was_named(tmp_path: Path) -> None:
    file = tmp_path / "rates.toml"
    with pytest.raises(BadRates, match="rates"):
        CurrentRates(file, optional=False)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadRates, match="rates"):
        CurrentRates(file, optional=True)


def test_the_operator_sees_what_holds_and_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    draft = tmp_path / "draft.toml"
    draft.write_text(FULL)
    command = ("ledger", "rates", "--at", "2026-11-11T00:00+08:00")
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "built in"
    assert main([*command, "--check", str(draft), "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["at_ms"], seen["categories"]["tea"]["commission_ppm"]) == (ELEVENTH_MS, 82_500)
    assert [one["tag"] for one in seen["overrides"]] == ["double eleven"]
    assert main([*command, "--check", str(draft)]) == 0
    shown = capsys.readouterr().out
    assert "8.25%" in shown
    assert "double eleven" in shown
    draft.write_text(FULL.replace("8.25%", "825%"))
    assert main([*command, "--check", str(draft)]) == 1
    assert "draft.toml: line 7" in capsys.readouterr().err
    assert main([*command, "--check", str(draft), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1
