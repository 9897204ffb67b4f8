"""WeChat Pay on loopback: the documented protocol (API v3) with real keys, and a merchant that it calls."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livecommerce.adapters.payment_wechat import WechatAccount, WechatProvider
from livecommerce.clock import now_ms
from livecommerce.errors import DomainError
from livecommerce.payment import RefundStanding, Standing
from tests.sandbox import Clock

MERCHANT = "1900000109"
APP = "wxd678efh567hg6787"
KEY_ID = "PUB_KEY_ID_0119000001092024000000000000"
CHINA = timezone(timedelta(hours=8))


class Keys:
    """A pair of keys and a serial for each side, and the key that they share."""

    def __init__(self) -> None:
        self.ours = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.api_key = secrets.token_hex(16)

    def account(self, url: str) -> WechatAccount:
        """What a merchant has of them."""
        return WechatAccount(
            merchant=MERCHANT,
            app=APP,
            api_key=self.api_key,
            serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
            private_key=self.ours.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            public_key=self.theirs.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            public_key_id=KEY_ID,
            url=url,
        )

    def signed(self, body: bytes, at_ms: int) -> dict[str, str]:
        """The headers of an answer or a callback."""
        stamp, nonce = str(at_ms // 1000), secrets.token_hex(16)
        signature = self.theirs.sign(f"{stamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def notice(self, resource: dict[str, Any], event: str = "TRANSACTION.SUCCESS") -> bytes:
        """A callback's body: its content is encrypted."""
        nonce, about = secrets.token_hex(6), "transaction"
        sealed = AESGCM(self.api_key.encode()).encrypt(
            nonce.encode(), json.dumps(resource).encode(), about.encode()
        )
        content = {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "nonce": nonce,
            "associated_data": about,
            "original_type": "transaction",
        }
        notice = {"id": secrets.token_hex(8), "event_type": event, "resource_type": "encrypt-resource"}
        return json.dumps({**notice, "resource": content}).encode()


class WechatServer:
    """The provider's side."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self.keys = keys
        self.clock = clock
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.away = False
        """Answers 500, as it does under load."""
        routes = [
            Route("/v3/pay/transactions/native", self._native, methods=["POST"]),
            Route("/v3/pay/transactions/jsapi", self._jsapi, methods=["POST"]),
            Route("/v3/pay/transactions/out-trade-no/{order}", self._query),
            Route("/v3/pay/transactions/out-trade-no/{order}/close", self._close, methods=["POST"]),
            Route("/v3/refund/domestic/refunds", self._refund, methods=["POST"]),
            Route("/v3/refund/domestic/refunds/{refund}", self._query_refund),
        ]
        self.app = Starlette(routes=routes)

    def capture(self, order: str) -> dict[str, Any]:
        """A buyer has paid; answers the transaction."""
        found = self.orders[order]
        found["trade_state"] = "SUCCESS"
        found["transaction_id"] = f"42000{secrets.randbelow(10**23):023d}"
        found["success_time"] = datetime.fromtimestamp(self.clock() / 1000, CHINA).isoformat(
            timespec="seconds"
        )
        return self.transaction(order)

    def refund(self, number: str) -> dict[str, Any]:
        """A refund as the documentation shows it in answers."""
        return {name: value for name, value in self.refunds[number].items() if name != "of"}

    def refund_notice(self, number: str) -> dict[str, Any]:
        """A refund as the documentation shows it in callbacks."""
        shown = self.refund(number)
        status = shown.pop("status")
        return {"mchid": MERCHANT, **shown, "refund_status": status}

    def transaction(self, order: str) -> dict[str, Any]:
        """A payment as the documentation shows it."""
        found = self.orders[order]
        names = ("out_trade_no", "trade_state", "transaction_id", "success_time")
        shown = {name: found[name] for name in names if name in found}
        total = found["amount"]["total"]
        amount = {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"}
        return {"appid": APP, "mchid": MERCHANT, "trade_state_desc": "", **shown, "amount": amount}

    async def _native(self, request: Request) -> Response:
        return await self._create(
            request, {"code_url": f"weixin://wxpay/bizpayurl?pr={secrets.token_hex(4)}"}
        )

    async def _jsapi(self, request: Request) -> Response:
        return await self._create(request, {"prepay_id": f"wx{secrets.token_hex(16)}"})

    async def _create(self, request: Request, handed_out: dict[str, str]) -> Response:
        wanted = await self._read(request)
        if isinstance(wanted, Response):
            return wanted
        known = self.orders.setdefault(
            wanted["out_trade_no"], {**wanted, **handed_out, "trade_state": "NOTPAY"}
        )
        if any(known[name] != value for name, value in wanted.items()):
            return self._answer(
                400, {"code": "INVALID_REQUEST", "message": "请求重入时，参数与首次请求不一致"}
            )
        if self._expired(known):
            return self._answer(400, {"code": "PARAM_ERROR", "message": "time_expire"})
        return self._answer(200, {name: known[name] for name in handed_out})

    async def _query(self, request: Request) -> Response:
        refusal = await self._read(request)
        if isinstance(refusal, Response):
            return refusal
        order = request.path_params["order"]
        if order not in self.orders:
            return self._answer(404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
        if self.orders[order]["trade_state"] == "NOTPAY" and self._expired(self.orders[order]):
            self.orders[order]["trade_state"] = "CLOSED"
        return self._answer(200, self.transaction(order))

    async def _close(self, request: Request) -> Response:
        refusal = await self._read(request)
        if isinstance(refusal, Response):
            return refusal
        found = self.orders.get(request.path_params["order"])
        if found is None:
            return self._answer(404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
        if found["trade_state"] != "NOTPAY":
            return self._answer(400, {"code": "ORDERPAID", "message": "订单已支付"})
        found["trade_state"] = "CLOSED"
        return self._answer(204, None)

    async def _refund(self, request: Request) -> Response:
        wanted = await self._read(request)
        if isinstance(wanted, Response):
            return wanted
        found = self.orders[wanted["out_trade_no"]]
        number, amount = wanted["out_refund_no"], wanted["amount"]
        if found["trade_state"] not in ("SUCCESS", "REFUND"):
            return self._answer(400, {"code": "INVALID_REQUEST", "message": "订单未支付"})
        known = self.refunds.get(number)
        if known is None:
            given = [one["amount"]["refund"] for one in self.refunds.values() if one["of"] is found]
            if sum(given) + amount["refund"] > amount["total"]:
                return self._answer(400, {"code": "INVALID_REQUEST", "message": "退款金额大于支付金额"})
            known = {
                "of": found,
                "out_trade_no": wanted["out_trade_no"],
                "out_refund_no": number,
                "refund_id": f"5000{number}",
                "amount": amount,
                "status": "PROCESSING",
            }
            self.refunds[number] = known
        elif known["amount"] != amount:
            return self._answer(400, {"code": "INVALID_REQUEST", "message": "与原请求参数不一致"})
        found["trade_state"] = "REFUND"
        return self._answer(200, self.refund(number))

    async def _query_refund(self, request: Request) -> Response:
        refusal = await self._read(request)
        if isinstance(refusal, Response):
            return refusal
        number = request.path_params["refund"]
        if number not in self.refunds:
            return self._answer(404, {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"})
        return self._answer(200, self.refund(number))

    def _expired(self, order: dict[str, Any]) -> bool:
        return datetime.fromisoformat(order["time_expire"]).timestamp() * 1000 < self.clock()

    async def _read(self, request: Request) -> Any:
        """The request's content, or the answer to one that the merchant has not signed."""
        if self.away:
            return self._answer(500, {"code": "SYSTEM_ERROR", "message": "系统异常，请稍后重试"})
        body = await request.body()
        kind, _, fields = request.headers["authorization"].partition(" ")
        given = dict(field.split("=", 1) for field in fields.split(","))
        given = {name: value.strip('"') for name, value in given.items()}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        text = (
            f"{request.method}\n{path}\n{given['timestamp']}\n{given['nonce_str']}\n".encode() + body + b"\n"
        )
        try:
            self.keys.ours.public_key().verify(
                base64.b64decode(given["signature"]), text, PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return self._answer(401, {"code": "SIGN_ERROR", "message": "签名错误"})
        assert kind == "WECHATPAY2-SHA256-RSA2048"
        assert given["mchid"] == MERCHANT
        return json.loads(body) if body else {}

    def _answer(self, status: int, content: Any) -> Response:
        body = b"" if content is None else json.dumps(content).encode()
        headers = self.keys.signed(body, int(time.time() * 1000))
        return Response(body or None, status, headers, media_type="application/json" if body else None)


class WechatWorld:
    """WeChat Pay, our client of it, and the callbacks that arrive."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.callbacks: asyncio.Queue[Standing] = asyncio.Queue()
        self.refund_callbacks: asyncio.Queue[RefundStanding] = asyncio.Queue()
        self.keys = Keys()
        self.server = WechatServer(self.keys, self.clock)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self.server.app, lifespan="off", ws="none", log_config=None)
        self._uvicorn = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[self._socket]))
        merchant = Starlette(routes=[Route("/callback", self._receive, methods=["POST"])])
        self._merchant = httpx.AsyncClient(
            transport=httpx.ASGITransport(merchant), base_url="http://merchant.test"
        )
        account = self.keys.account(self.url)
        page, callback = "http://merchant.test/pay/wechat", "https://merchant.test/callback"
        self.provider = WechatProvider(account, page, callback, self.clock)

    async def pay(self, payment: str) -> None:
        """A buyer scans the code and pays."""
        await self.tell(self.keys.notice(self.server.capture(payment)))

    async def end_refund(self, refund: str, status: str = "SUCCESS") -> None:
        """The money has arrived, or cannot, and WeChat says so."""
        self.server.refunds[refund]["status"] = status
        notice = self.server.refund_notice(refund)
        await self.tell(self.keys.notice(notice, f"REFUND.{status}"))

    async def tell(self, body: bytes) -> httpx.Response:
        """Calls the merchant back."""
        return await self._merchant.post("/callback", content=body, headers=self.keys.signed(body, now_ms()))

    async def _receive(self, request: Request) -> Response:
        try:
            standing = self.provider.parse_callback(request.headers, await request.body(), now_ms())
        except DomainError:
            return Response(status_code=403)
        if isinstance(standing, RefundStanding):
            self.refund_callbacks.put_nowait(standing)
        else:
            self.callbacks.put_nowait(standing)
        return Response(status_code=204)

    async def close(self) -> None:
        """Ends what is still running."""
        await self.provider.aclose()
        await self._merchant.aclose()
        self._uvicorn.should_exit = True
        await self._serving
