"""The page where a buyer pays; rendered here, so that it works without any script."""

from __future__ import annotations

import secrets
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse

from livecommerce.gateway.sandbox.account import Account
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.gateway.sandbox.texts import preferred
from livecommerce.money import Money

_PAGE, _FORM, _RESULT = (
    Template(Path(__file__).with_name(name).read_text("utf-8"))
    for name in ("page.html", "form.html", "result.html")
)
_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_MARKS = {"captured": "✓", "failed": "!", "closed": "–"}


def render(request: Request, account: Account, now_ms: int) -> HTMLResponse:
    """The page as it fits the payment's state, in the reader's language."""
    texts = preferred(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    nonce = secrets.token_urlsafe(12)
    values = _values(account, texts, now_ms) | {"nonce": nonce}
    body = _FORM if account.state == "pending" else _RESULT
    values["body"] = body.substitute(values)
    return HTMLResponse(
        _PAGE.substitute(values),
        headers={
            "cache-control": "no-store",
            "content-security-policy": _policy(nonce, account.payment.return_url),
        },
    )


def _values(account: Account, texts: dict[str, str], now_ms: int) -> dict[str, str]:
    payment, state = account.payment, account.state
    shown = {
        "payment": payment.payment,
        "order_id": payment.order,
        "description": payment.description,
        "amount": _amount(payment.amount_minor, payment.currency),
        "return_url": payment.return_url,
        "seconds": str(max(0, payment.deadline_ms - now_ms) // 1000),
        "clock": _clock(payment.deadline_ms - now_ms),
        "state": state,
        "mark": _MARKS.get(state, ""),
        "state_title": texts.get(state, ""),
        "state_hint": texts.get(f"{state}_hint", ""),
    }
    escaped = {name: escape(value) for name, value in (texts | shown).items()}
    return escaped | {"faults": "".join(_choice(fault, texts) for fault in Fault)}


def _choice(fault: Fault, texts: dict[str, str]) -> str:
    checked = " checked" if fault is Fault.NONE else ""
    name = escape(texts[f"fault_{fault.value}"])
    return (
        f'<label><input type="radio" name="fault" value="{fault.value}"{checked}><span>{name}</span></label>'
    )


def _amount(minor: int, currency: str) -> str:
    number, code = str(Money(minor, currency)).split(" ")
    return f"{_SYMBOLS[code]}{number}" if code in _SYMBOLS else f"{number} {code}"


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    return f"{minutes}:{seconds:02d}"


def _policy(nonce: str, return_url: str) -> str:
    """Where the form leads back to must be named too: browsers check redirects of a form."""
    back = urlsplit(return_url)
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {back.scheme}://{back.netloc}"
    )
