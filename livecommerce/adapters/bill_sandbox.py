"""The sandbox payment provider's bill, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from livecommerce.ledger.bill import BadBill, BillLine
from livecommerce.signatures import derive_key


async def fetch_sandbox_bill(http: httpx.AsyncClient, url: str, secret: str) -> list[BillLine]:
    """Everything that the sandbox ever took and gave back.

    Raises:
        BadBill: it cannot be fetched.
    """
    headers = {"authorization": f"Bearer {derive_key(secret, 'sandbox').hex()}"}
    try:
        response = await http.get(f"{url.rstrip('/')}/api/bill", headers=headers)
        response.raise_for_status()
        entries: list[dict[str, Any]] = response.json()["entries"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise BadBill(f"the sandbox gives no bill: {type(error).__name__} {error}") from error
    transactions = {entry["payment"]: entry["id"] for entry in entries if entry["kind"] == "capture"}
    return [
        BillLine(
            kind=entry["kind"],
            transaction=transactions.get(entry["payment"], entry["payment"]),
            amount_minor=entry["amount_minor"],
            currency=entry["currency"],
            at_ms=entry["at_ms"],
        )
        for entry in entries
    ]
