"""Carriers' messages, signed with a key of the shop, and the keys."""

from __future__ import annotations

from base64 import b64encode
from typing import Protocol

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.aftersales.parcel import ParcelUpdate
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read_body
from livecommerce.gateway.http.operation import Resource, in_role, signed_by
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import PersonId, ShopId
from livecommerce.signatures import BadSignature, derive_key, verify

MAX_BYTES = 16 * 1024
MAX_MESSAGE = 120
OLD_KEY_MS = 24 * 3600 * 1000
"""How long the key before a change is still good, so that a carrier can follow."""


class Heard(Struct, frozen=True, kw_only=True):
    """What came of a carrier's message."""

    parcels: int | None
    """How many parcels it is about; null where the message was heard before."""
    known: bool


class ParcelKey(Struct, frozen=True, kw_only=True):
    """What a shop's carriers need."""

    url: str
    secret: str
    """Standard Webhooks' form: ``whsec_`` and base64."""
    version: int
    since_ms: int


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
        api, key = Resource("shops", in_role("merchant", "the shop")), "/api/shops/{shop}/parcel-key"
        return [
            Resource("callbacks", signed_by("A carrier")).operation(
                "POST",
                "/api/shops/{shop}/parcel-updates",
                self._hear_carrier,
                Heard,
                status=(202, 200),
                takes=ParcelUpdate,
            ),
            api.operation("GET", key, self._show_parcel_key, ParcelKey),
            api.operation("POST", key, self._change_parcel_key, ParcelKey),
        ]

    def key(self, shop: str, version: int) -> bytes:
        """The key that a shop's carriers sign with."""
        return derive_key(self._secret, f"parcels/{shop}/{version}")

    async def _hear_carrier(self, request: Request) -> Answer[Heard]:
        """What a carrier tells of parcels; a message counts once by its id."""
        shop, body = ShopId(request.path_params["shop"]), await read_body(request, MAX_BYTES)
        message = await self._verified(shop, request, body)
        if not 0 < len(message) <= MAX_MESSAGE:
            raise Invalid("bad_request", reason="webhook-id")
        try:
            update = msgspec.json.decode(body, type=ParcelUpdate)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid("bad_request", reason=str(error)) from error
        parcels = await self._parcels.follow(shop, message, update, self._clock())
        return answer(Heard(parcels=parcels, known=parcels is None), 200 if parcels is None else 202)

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

    async def _show_parcel_key(self, request: Request) -> Answer[ParcelKey]:
        """The key that the shop's carriers sign with."""
        shop, _ = await self._owner(request)
        version, since_ms = await self._parcels.key_version(shop)
        return answer(self._shown(shop, version, since_ms))

    async def _change_parcel_key(self, request: Request) -> Answer[ParcelKey]:
        """Another key; the old one is good for a day."""
        shop, person = await self._owner(request)
        now_ms = self._clock()
        version = await self._parcels.change_key(shop, person, now_ms, request_id(request))
        return answer(self._shown(shop, version, now_ms))

    async def _owner(self, request: Request) -> tuple[ShopId, PersonId]:
        person = await self._door.signed_in(request)
        shop = ShopId(request.path_params["shop"])
        person.require("merchant", shop)
        return shop, PersonId(person.person)

    def _shown(self, shop: ShopId, version: int, since_ms: int) -> ParcelKey:
        return ParcelKey(
            url=f"{self._public_url}/api/shops/{shop}/parcel-updates",
            secret=f"whsec_{b64encode(self.key(shop, version)).decode()}",
            version=version,
            since_ms=since_ms,
        )
