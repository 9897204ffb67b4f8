"""WeChat Pay (API v3): native QR codes, and payments inside WeChat for buyers whose openid is known.

Needs the account's platform public key: answers and callbacks are verified with it. The merchant's
certificates, the account and the certificate's serial come from WeChat Pay's merchant platform.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta, timezone
from secrets import token_hex
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from livecommerce.payment import PaymentRequest, RefundStanding, Standing

CURRENCY = "CNY"
EXPIRY_SLACK_MS = 65_000
"""WeChat wants at least a minute for a payment. We close it at our own deadline; what is paid between
the two is a capture that came too late."""
CALLBACK_AGE_MS = 300_000
TIMEOUTS = (5.0, 10.0)
"""Seconds to connect, and to answer."""
MAX_DESCRIPTION = 127
MAX_REASON = 26
"""Characters of three bytes that fit into WeChat's 80 bytes."""
CHINA = timezone(timedelta(hours=8))

_STATES = {
    "SUCCESS": "captured",
    "REFUND": "captured",
    "NOTPAY": "pending",
    "USERPAYING": "pending",
    "PAYERROR": "pending",
    "CLOSED": "closed",
    "REVOKED": "closed",
}
"""Theirs → ours. A refunded payment was captured; one that failed once may still be paid."""

_REFUND_STATES = {"SUCCESS": "done", "CLOSED": "failed", "ABNORMAL": "failed"}
"""A refund is abnormal where the buyer's card or account does not take it: it is paid out by hand on the
merchant platform, and then told as done."""

_LATER = {"NOT_ENOUGH", "FREQUENCY_LIMITED", "SYSTEM_ERROR", "SIGN_ERROR", "NO_AUTH"}
"""Refusals that end when time passes or an operator acts: the same request may be repeated."""

log = logging.getLogger(__name__)


class WechatAccount(Struct, frozen=True, kw_only=True):
    """A merchant's account, as the merchant platform shows it."""

    merchant: str
    app: str
    api_key: str
    """The APIv3 key, 32 characters; decrypts callbacks."""
    serial: str
    """Serial number of the merchant's certificate."""
    private_key: str
    """PEM of the merchant's certificate; signs requests."""
    public_key: str
    """PEM of WeChat Pay; verifies answers and callbacks."""
    public_key_id: str
    url: str = "https://api.mch.weixin.qq.com"


class _Amount(Struct):
    total: int = 0
    currency: str = CURRENCY


class _Transaction(Struct):
    out_trade_no: str
    mchid: str
    trade_state: str
    transaction_id: str = ""
    success_time: str = ""
    amount: _Amount = msgspec.field(default_factory=_Amount)


class _Created(Struct):
    code_url: str = ""
    prepay_id: str = ""


class _RefundAmount(Struct):
    refund: int = 0
    currency: str = CURRENCY


class _Refund(Struct):
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    status: str = ""
    """In an answer."""
    refund_status: str = ""
    """In a callback."""
    mchid: str = ""
    amount: _RefundAmount = msgspec.field(default_factory=_RefundAmount)


class _Refusal(Struct):
    code: str = ""
    message: str = ""


T = TypeVar("T")
Request = Callable[[], Awaitable[tuple[int, str | bytes]]]
"""A call of the package → (status, content)."""


class WechatProvider:
    """WeChat Pay of one merchant; the owner closes it."""

    name = "wechat"

    def __init__(self, account: WechatAccount, page_url: str, callback_url: str, clock: Clock) -> None:
        self.merchant = account.merchant
        self._app = account.app
        self._page_url = page_url
        self._callback_url = callback_url
        self._clock = clock
        self._entered = False
        self._api = AsyncWeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=account.merchant,
            private_key=account.private_key,
            cert_serial_no=account.serial,
            appid=account.app,
            apiv3_key=account.api_key,
            public_key=account.public_key,
            public_key_id=account.public_key_id,
            timeout=TIMEOUTS,
        )
        self._api._core._gate_way = account.url.rstrip("/")  # the package offers no other way

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._entered:
            await self._api.__aexit__(None, None, None)
            self._entered = False

    async def create(self, request: PaymentRequest) -> str:
        """Asks for a payment; answers the page that shows the QR code, or pays inside WeChat."""
        if request.currency != CURRENCY:
            raise Conflict("payment_refused", reason="currency")
        # The same request must carry the same content each time, so nothing in it depends on the clock.
        expires = datetime.fromtimestamp((request.deadline_ms + EXPIRY_SLACK_MS) // 1000, CHINA)
        answered = await self._ask(
            lambda: self._api.pay(
                description=request.description[:MAX_DESCRIPTION],
                out_trade_no=request.payment,
                amount={"total": request.amount_minor, "currency": CURRENCY},
                payer={"openid": request.payer} if request.payer else None,
                time_expire=expires.isoformat(),
                notify_url=self._callback_url,
                pay_type=WeChatPayType.JSAPI if request.payer else WeChatPayType.NATIVE,
            )
        )
        created = _decode(answered, _Created)
        terms = self._inside_wechat(created) if request.payer else {"code_url": created.code_url}
        return f"{self._page_url}#{urlencode({**terms, 'back': request.return_url})}"

    async def query(self, payment: str) -> Standing:
        """How a payment stands."""
        try:
            answered = await self._ask(lambda: self._api.query(out_trade_no=payment))
        except NotFound:
            return Standing(payment=payment, state="not_found")
        return _standing(_decode(answered, _Transaction))

    async def close(self, payment: str) -> Standing:
        """Ends a payment that was not captured; ``captured`` means that it was too late for that."""
        try:
            await self._ask(lambda: self._api.close(out_trade_no=payment))
        except (Conflict, NotFound):
            return await self.query(payment)  # paid, closed before, or never there: the query tells
        return Standing(payment=payment, state="closed")

    async def refund(
        self, payment: str, refund: str, amount_minor: int, currency: str, reason: str
    ) -> RefundStanding:
        """Asks to return all or part of a capture."""
        standing = await self.query(payment)
        if standing.state != "captured" or standing.currency != currency:
            raise Conflict("payment_refused", reason=standing.state)
        amount = {"refund": amount_minor, "total": standing.amount_minor, "currency": currency}
        answered = await self._ask(
            lambda: self._api.refund(
                out_refund_no=refund,
                amount=amount,
                out_trade_no=payment,
                reason=reason[:MAX_REASON] or None,
                notify_url=self._callback_url,
            )
        )
        return self._refund_standing(_decode(answered, _Refund))

    async def query_refund(self, payment: str, refund: str) -> RefundStanding:
        """How a refund stands."""
        try:
            answered = await self._ask(lambda: self._api.query_refund(out_refund_no=refund))
        except NotFound:
            return RefundStanding(refund=refund, payment=payment, state="not_found")
        return self._refund_standing(_decode(answered, _Refund))

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now_ms: int
    ) -> Standing | RefundStanding:
        """A callback's content, after its signature and its age were checked, decrypted."""
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            sent_ms = int(lower["wechatpay-timestamp"]) * 1000
            opened = self._api.callback(lower, body)
        except Exception as error:  # the package raises plain exceptions at what it does not understand
            raise Forbidden("bad_signature") from error
        if not opened or abs(now_ms - sent_ms) > CALLBACK_AGE_MS:
            raise Forbidden("bad_signature")
        try:
            if str(opened["event_type"]).startswith("REFUND."):
                return self._refund_standing(msgspec.convert(opened["resource"], _Refund))
            return _standing(msgspec.convert(opened["resource"], _Transaction))
        except (KeyError, TypeError, msgspec.ValidationError, ValueError) as error:
            raise Invalid("bad_request") from error

    def _refund_standing(self, refund: _Refund) -> RefundStanding:
        """A refund in our words; an answer says nothing of the merchant, for it has asked itself."""
        status = refund.status or refund.refund_status
        state = _REFUND_STATES.get(status, "pending")
        return RefundStanding(
            refund=refund.out_refund_no,
            payment=refund.out_trade_no,
            state=state,
            merchant=refund.mchid or self.merchant,
            amount_minor=refund.amount.refund,
            currency=refund.amount.currency,
            provider_refund=refund.refund_id,
            error=f"refund_{status.lower()}" if state == "failed" else "",
        )

    def _inside_wechat(self, created: _Created) -> Mapping[str, str]:
        """What a page inside WeChat needs to open the payment."""
        stamp, nonce, package = str(self._clock() // 1000), token_hex(16), f"prepay_id={created.prepay_id}"
        return {
            "appId": self._app,
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._api.sign([self._app, stamp, nonce, package]),
        }

    async def _ask(self, request: Request) -> str | bytes:
        """One request; the answer's content, after its signature was verified.

        Raises:
            NotFound: WeChat does not know the payment.
            Conflict: ``payment_refused``: repeating it will not help.
            Unavailable: the outcome is unknown, or it may be repeated later.
        """
        status, content = await self._send(request)
        if 200 <= status < 300:
            return content
        refusal = _refusal(content)
        log.warning("WeChat Pay refused a request: %s %s %s", status, refusal.code, refusal.message)
        if refusal.code in ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"):
            raise NotFound("payment_not_found")
        if status >= 500 or refusal.code in _LATER or not refusal.code:
            raise Unavailable("payment_unavailable")
        raise Conflict("payment_refused", reason=refusal.code.lower())

    async def _send(self, request: Request) -> tuple[int, str | bytes]:
        if not self._entered:
            self._entered = True
            await self._api.__aenter__()
        try:
            return await request()
        except Exception as error:  # also a plain one, where an answer's signature is not WeChat's
            raise Unavailable("payment_unavailable") from error


def _decode(content: str | bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable("payment_unavailable") from error


def _refusal(content: str | bytes) -> _Refusal:
    """What WeChat says is wrong; empty where somebody else answered, such as a proxy on the way."""
    try:
        return msgspec.json.decode(content, type=_Refusal)
    except msgspec.DecodeError:
        return _Refusal()


def _standing(transaction: _Transaction) -> Standing:
    state = _STATES.get(transaction.trade_state, "pending")
    when = transaction.success_time
    return Standing(
        payment=transaction.out_trade_no,
        state=state,
        merchant=transaction.mchid,
        amount_minor=transaction.amount.total,
        currency=transaction.amount.currency,
        transaction=transaction.transaction_id,
        captured_ms=int(datetime.fromisoformat(when).timestamp() * 1000) if when else 0,
    )
