"""The wallet: a person's coupons in all rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.coupon import GrantCard
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer
from livecommerce.gateway.http.operation import SIGNED_IN, Resource
from livecommerce.ids import PersonId, RoomId, Shard


class WalletRow(GrantCard, frozen=True, kw_only=True):
    """A coupon, and how it came into the wallet."""

    room: str
    kind: Literal["share", "drop"]


class Wallet(Struct, frozen=True):
    """A person's coupons in all rooms."""

    grants: list[WalletRow]


class OwnedGrants(Protocol):
    """Where grants are kept."""

    async def of_owner(self, owner: PersonId, shards: Sequence[Shard]) -> list[tuple[RoomId, GrantCard]]:
        """A person's coupons in all rooms, with their rooms."""
        ...


def coupon_routes(grants: OwnedGrants, door: Door, shards: Sequence[Shard]) -> list[BaseRoute]:
    """``GET /api/coupons``."""

    async def show_wallet(request: Request) -> Answer[Wallet]:
        """One's coupons, used ones as well."""
        person = await door.signed_in(request)
        owned = await grants.of_owner(PersonId(person.person), shards)
        return answer(Wallet([_row(room, card) for room, card in owned]))

    return [Resource("coupons", SIGNED_IN).operation("GET", "/api/coupons", show_wallet, Wallet)]


def _row(room: RoomId, card: GrantCard) -> WalletRow:
    return WalletRow(**asdict(card), room=room, kind="share" if card.arrivals_needed else "drop")
