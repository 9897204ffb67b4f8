"""Carriers' messages, signed with a key of the shop, and the keys."""

from __future__ import annotations

from base64 import b64encode
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.aftersales.parcel import ParcelUpdate
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, read_body
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import PersonId, ShopId
from livecommerce.signatures import BadSignature, derive_key, verify

MAX_BYTES = 16 * 1024
MAX_MESSAGE = 120
OLD_KEY_MS = 24 * 3600 * 1000
"""How long the key before a change is still good, so that a carrier can follow."""


class Follower(Protocol):
    """Takes in what carriers tell."""

    async def follow(self, shop: ShopId, message: str, update: ParcelUpdate, now_ms: int) -> int | None:
        """Answers how many parcels it is about, or ``None`` where the message is known."""
        ...

    async def key_version(self, shop: ShopId) -> tuple[int, int]:
        """How often a shop's key was changed, and when last."""
        ...

    async def change_key(self, shop: ShopId, by: PersonId, now_ms: int, request: str = "") -> int:
        """Has the shop's carriers sign with another key from now on; answers its version."""
        ...


class ParcelUpdates:
    """``/api/shops/{shop}/parcel-updates``: Standard Webhooks in; a message counts once by its id."""

    def __init__(self, parcels: Follower, door: Door, clock: Clock, secret: str, public_url: str) -> None:
        self._parcels = parcels
        self._door = door
        self._clock = clock
        self._secret = secret
        self._public_url = public_url

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        return [
            Route("/api/shops/{shop}/parcel-updates", self._hear, methods=["POST"]),
            Route("/api/shops/{shop}/parcel-key", self._show_key, methods=["GET"]),
            Route("/api/shops/{shop}/parcel-key", self._change_key, methods=["POST"]),
        ]

    def key(self, shop: str, version: int) -> bytes:
        """The key that a shop's carriers sign with."""
        return derive_key(self._secret, f"parcels/{shop}/{version}")

    async def _hear(self, request: Request) -> Response:
        shop, body = ShopId(request.path_params["shop"]), await read_body(request, MAX_BYTES)
        message = await self._verified(shop, request, body)
        if not 0 < len(message) <= MAX_MESSAGE:
            raise Invalid("bad_request", reason="webhook-id")
        try:
            update = msgspec.json.decode(body, type=ParcelUpdate)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid("bad_request", reason=str(error)) from error
        parcels = await self._parcels.follow(shop, message, update, self._clock())
        return answer({"parcels": parcels, "known": parcels is None}, 200 if parcels is None else 202)

    async def _verified(self, shop: ShopId, request: Request, body: bytes) -> str:
        version, since_ms = await self._parcels.key_version(shop)
        now_ms = self._clock()
        versions = [version, version - 1] if version and now_ms < since_ms + OLD_KEY_MS else [version]
        for one in versions:
            try:
                return verify(self.key(shop, one), request.headers, body, now_ms)
            except BadSignature:
                continue
        raise Forbidden("bad_signature")

    async def _show_key(self, request: Request) -> Response:
        shop, _ = await self._owner(request)
        version, since_ms = await self._parcels.key_version(shop)
        return answer(self._shown(shop, version, since_ms))

    async def _change_key(self, request: Request) -> Response:
        shop, person = await self._owner(request)
        now_ms = self._clock()
        version = await self._parcels.change_key(shop, person, now_ms, request_id(request))
        return answer(self._shown(shop, version, now_ms))

    async def _owner(self, request: Request) -> tuple[ShopId, PersonId]:
        person = await self._door.signed_in(request)
        shop = ShopId(request.path_params["shop"])
        person.require("merchant", shop)
        return shop, PersonId(person.person)

    def _shown(self, shop: ShopId, version: int, since_ms: int) -> dict[str, str | int]:
        return {
            "url": f"{self._public_url}/api/shops/{shop}/parcel-updates",
            "secret": f"whsec_{b64encode(self.key(shop, version)).decode()}",
            "version": version,
            "since_ms": since_ms,
        }
