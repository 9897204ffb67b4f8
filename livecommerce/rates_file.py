"""Rates files: TOML that an operator edits, read whole or refused with the line and the field that are wrong.

A rate is a percentage in quotes, ``"0.6%"``; a time is a TOML time with its zone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from livecommerce.fees import ALWAYS_MS, NEVER_MS, CategoryRates, Override, PaymentFee, RateBook, Rates
from livecommerce.money import PPM
from livecommerce.share_bounds import USUAL, Bounds, ShareBounds, outside

SECTIONS = ("rates", "payment", "overrides", "bounds")
SHARES = ("commission", "technical_fee", "creator")

_PERCENT = re.compile(r"(?P<whole>[0-9]{1,3})(\.(?P<decimals>[0-9]{1,4}))?\s*%")
_HEADER = re.compile(r"\s*\[{1,2}\s*(?P<section>[a-z_]+)\s*\]")

Instant = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]


class BadRates(Exception):
    """A rates file cannot be used; each problem is a sentence with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Shares(Struct, forbid_unknown_fields=True, kw_only=True):
    commission: str | None = None
    technical_fee: str | None = None
    creator: str | None = None
    since: Instant | None = msgspec.field(default=None, name="from")


class _Rates(_Shares, forbid_unknown_fields=True, kw_only=True):
    category: Name | None = None


class _Override(_Shares, forbid_unknown_fields=True, kw_only=True):
    tag: Name
    campaign: Name | None = None
    segment: Name | None = None
    to: Instant | None = None


class _Payment(Struct, forbid_unknown_fields=True, kw_only=True):
    fee: str
    bearer: Literal["merchant", "platform"] = "merchant"
    since: Instant | None = msgspec.field(default=None, name="from")


class _Bound(Struct, forbid_unknown_fields=True, kw_only=True):
    least: str | None = None
    most: str | None = None


class _Bounds(Struct, forbid_unknown_fields=True, kw_only=True):
    commission: _Bound = msgspec.field(default_factory=_Bound)
    technical_fee: _Bound = msgspec.field(default_factory=_Bound)


_Row = TypeVar("_Row", _Rates, _Override, _Payment)
_Form = TypeVar("_Form", _Rates, _Override, _Payment, _Bounds)
_Made = TypeVar("_Made", CategoryRates, Override, PaymentFee)
_Bounded = TypeVar("_Bounded", CategoryRates, Override)


class _Wrong(ValueError):
    """A field of a row, and what is wrong with it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}" if field else why)


def read_rates(text: str) -> RateBook:
    """The rates in a file.

    Raises:
        BadRates: everything that is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRates([f"this is no TOML: {error}"]) from error
    return _Reader(document, _lines(text)).book()


class _Reader:
    """Reads row by row and notes what is wrong, so that one look at a file tells all of it."""

    def __init__(self, document: Mapping[str, Any], lines: Mapping[tuple[str, int], int]) -> None:
        self._document = document
        self._lines = lines
        self.problems: list[str] = []

    def book(self) -> RateBook:
        """The book, if nothing is wrong."""
        for name in self._document:
            if name not in SECTIONS:
                self.problems.append(f"{name}: there are only {', '.join(SECTIONS)}")
        bounds = self._bounds()
        rates = self._rows("rates", _Rates, lambda row: _bounded(_category_rates(row), bounds))
        payment = self._rows("payment", _Payment, _payment_fee)
        overrides = self._rows("overrides", _Override, lambda row: _bounded(_override(row), bounds))
        self.problems += [*_twice(rates, payment), *_unclear(overrides), *_without_base(rates)]
        self._stop_if_wrong()
        if all(fee.from_ms > ALWAYS_MS for fee in payment):
            payment.insert(0, PaymentFee())
        book = RateBook(rates=tuple(rates), payment=tuple(payment), overrides=tuple(overrides))
        self.problems += dict.fromkeys(_excess(*found) for found in book.excesses())
        self._stop_if_wrong()
        return book

    def _bounds(self) -> ShareBounds:
        try:
            return _share_bounds(_convert(self._document.get("bounds", {}), _Bounds))
        except _Wrong as wrong:
            self.problems.append(f"{self._place('bounds', 1)}, [bounds], {wrong}")
            return USUAL

    def _rows(self, section: str, kind: type[_Row], make: Callable[[_Row], _Made]) -> list[_Made]:
        rows = self._document.get(section, [])
        made: list[_Made] = []
        if not isinstance(rows, list):
            self.problems.append(f"{section}: is written [[{section}]], once for each row")
            return made
        for number, row in enumerate(rows, 1):
            try:
                made.append(make(_convert(row, kind)))
            except _Wrong as wrong:
                self.problems.append(f"{self._place(section, number)}, [[{section}]], {wrong}")
        return made

    def _place(self, section: str, number: int) -> str:
        line = self._lines.get((section, number))
        return f"line {line}" if line else f"row {number}"

    def _stop_if_wrong(self) -> None:
        if self.problems:
            raise BadRates(self.problems)


def _convert(row: object, kind: type[_Form]) -> _Form:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        why, _, field = str(error).partition(" - at `$.")
        raise _Wrong(field.rstrip("`"), _plain(why)) from error


def _plain(why: str) -> str:
    """A validator's sentence in an operator's words."""
    if "datetime" in why:
        return "needs date, time and zone, such as 2026-11-11T00:00:00+08:00"
    return why.replace("Object contains", "there is an").replace("Object missing", "there is no")


def _category_rates(row: _Rates) -> CategoryRates:
    return CategoryRates(category=row.category or "", from_ms=_ms(row.since, ALWAYS_MS), **_shares(row))


def _override(row: _Override) -> Override:
    from_ms, to_ms = _ms(row.since, ALWAYS_MS), _ms(row.to, NEVER_MS)
    if row.campaign is None and row.segment is None:
        raise _Wrong("", "says neither campaign nor segment")
    if from_ms >= to_ms:
        raise _Wrong("to", "is not after from")
    return Override(
        tag=row.tag,
        campaign=row.campaign,
        segment=row.segment,
        from_ms=from_ms,
        to_ms=to_ms,
        **_shares(row),
    )


def _share_bounds(row: _Bounds) -> ShareBounds:
    return {share: _bounds_of(share, getattr(row, share), usual) for share, usual in USUAL.items()}


def _bounds_of(share: str, row: _Bound, usual: Bounds) -> Bounds:
    bounds = Bounds(
        least_ppm=usual.least_ppm if row.least is None else _ppm(f"{share}.least", row.least),
        most_ppm=usual.most_ppm if row.most is None else _ppm(f"{share}.most", row.most),
    )
    if bounds.least_ppm > bounds.most_ppm:
        raise _Wrong(share, "least is more than most")
    return bounds


def _bounded(rates: _Bounded, bounds: ShareBounds) -> _Bounded:
    """The row, if what the platform takes in it is within bounds."""
    for share in outside(rates, bounds):
        least, most = percent(bounds[share].least_ppm), percent(bounds[share].most_ppm)
        given = percent(getattr(rates, f"{share}_ppm"))
        raise _Wrong(
            share, f"{given} is not within {least} and {most}; where it is meant, say so in [bounds]"
        )
    return rates


def _payment_fee(row: _Payment) -> PaymentFee:
    return PaymentFee(from_ms=_ms(row.since, ALWAYS_MS), fee_ppm=_ppm("fee", row.fee), bearer=row.bearer)


def _shares(row: _Shares) -> dict[str, int]:
    given = {f"{name}_ppm": _ppm(name, text) for name in SHARES if (text := getattr(row, name)) is not None}
    if not given:
        raise _Wrong("", f"says none of {', '.join(SHARES)}")
    return given


def _ppm(field: str, text: str) -> int:
    found = _PERCENT.fullmatch(text.strip())
    if found is None:
        raise _Wrong(field, f'{text!r} is no percentage such as "0.6%"')
    ppm = int(found["whole"]) * 10_000 + int((found["decimals"] or "").ljust(4, "0"))
    if ppm > PPM:
        raise _Wrong(field, f"{text} is more than the whole")
    return ppm


def _ms(at: datetime | None, otherwise: int) -> int:
    return otherwise if at is None else int(at.timestamp() * 1000)


def _lines(text: str) -> dict[tuple[str, int], int]:
    """(section, number of the row in it) → the line on which the row begins."""
    found: dict[tuple[str, int], int] = {}
    counts = dict.fromkeys(SECTIONS, 0)
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header and header["section"] in counts:
            counts[header["section"]] += 1
            found[header["section"], counts[header["section"]]] = number
    return found


# ---------------------------------------------------------------- what only all rows together tell


def _without_base(rates: Sequence[CategoryRates]) -> list[str]:
    base = next((one for one in rates if not one.category and one.from_ms == ALWAYS_MS), None)
    if base is None:
        return ["[[rates]]: one must have neither category nor from; it holds where no other does"]
    missing = [name for name in SHARES if getattr(base, f"{name}_ppm") is None]
    return [f"[[rates]] without category and from: there is no {name}" for name in missing]


def _twice(rates: Sequence[CategoryRates], payment: Sequence[PaymentFee]) -> Iterator[str]:
    seen: set[tuple[str, int]] = set()
    keys = [
        *((f"[[rates]] of {_category(one.category)}", one.from_ms) for one in rates),
        *(("[[payment]]", one.from_ms) for one in payment),
    ]
    for name, from_ms in keys:
        if (name, from_ms) in seen:
            yield f"{name}: two begin {_when(from_ms)}"
        seen.add((name, from_ms))


def _unclear(overrides: Sequence[Override]) -> Iterator[str]:
    for number, one in enumerate(overrides):
        for other in overrides[:number]:
            same = (one.campaign, one.segment) == (other.campaign, other.segment)
            if same and one.from_ms < other.to_ms and other.from_ms < one.to_ms:
                yield f"[[overrides]]: {other.tag} and {one.tag} are about the same orders at the same time"


def _excess(category: str, at_ms: int, override: Override | None, rates: Rates) -> str:
    by = f" in {override.tag}" if override else ""
    parts = ", ".join(f"{name} {percent(getattr(rates, f'{name}_ppm'))}" for name in SHARES)
    return (
        f"shares of {_category(category)}{by} are {percent(rates.taken_ppm)} {_when(at_ms)}: {parts}; "
        "at most 100% can be shared"
    )


def _category(category: str) -> str:
    return category or "every category"


def _when(at_ms: int) -> str:
    """A moment as in a file; its zone is UTC."""
    if at_ms == ALWAYS_MS:
        return "from the beginning"
    return f"from {datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()}"


def percent(ppm: int) -> str:
    """A rate as people write it."""
    whole, rest = divmod(ppm, 10_000)
    decimals = f".{rest:04}".rstrip("0") if rest else ""
    return f"{whole}{decimals}%"
