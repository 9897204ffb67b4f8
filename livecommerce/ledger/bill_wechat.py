"""WeChat Pay's trade bill (``/v3/bill/tradebill``, type ``ALL``): a day's CSV file.

Every value is marked by a backquote, amounts are in yuan, times in Beijing's, and the last two lines add up.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from livecommerce.ledger.bill import BadBill, BillLine

_BEIJING = timezone(timedelta(hours=8))
_SUMMARY = "总交易单数"
_NEEDED = ("交易时间", "微信订单号", "交易状态", "货币种类", "订单金额")


def read_wechat_bill(text: str) -> list[BillLine]:
    """The captures and refunds of a bill, in its order.

    Raises:
        BadBill: the file is not such a bill, or a line cannot be read.
    """
    reader = csv.reader(text.removeprefix("\ufeff").splitlines())
    header = next(reader, [])
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise BadBill(f"no column {missing[0]} in the first line")
    return list(_lines(header, reader))


def _lines(header: list[str], rows: Iterator[list[str]]) -> Iterator[BillLine]:
    for number, row in enumerate(rows, start=2):
        if row and row[0] == _SUMMARY:
            return
        values = {name: value.strip().lstrip("`") for name, value in zip(header, row, strict=False)}
        try:
            yield _line(values)
        except (KeyError, ValueError, InvalidOperation) as error:
            raise BadBill(f"line {number} cannot be read: {error}") from error


def _line(values: Mapping[str, str]) -> BillLine:
    refund = values["交易状态"] == "REFUND"
    amount = values["申请退款金额"] if refund else values["订单金额"]
    at = datetime.strptime(values["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
    return BillLine(
        kind="refund" if refund else "capture",
        transaction=values["微信订单号"],
        amount_minor=_fen(amount),
        currency=values["货币种类"],
        at_ms=int(at.timestamp() * 1000),
    )


def _fen(yuan: str) -> int:
    fen = Decimal(yuan) * 100
    if fen != fen.to_integral_value() or fen < 0:
        raise ValueError(f"{yuan} is no amount")
    return int(fen)
