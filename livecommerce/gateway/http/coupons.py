"""The wallet: a person's coupons in all rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.coupon import GrantCard
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer
from livecommerce.ids import PersonId, RoomId, Shard


class OwnedGrants(Protocol):
    """Where grants are kept."""

    async def of_owner(self, owner: PersonId, shards: Sequence[Shard]) -> list[tuple[RoomId, GrantCard]]:
        """A person's coupons in all rooms, with their rooms."""
        ...


def coupon_routes(grants: OwnedGrants, door: Door, shards: Sequence[Shard]) -> list[BaseRoute]:
    """``GET /api/coupons``."""

    async def wallet(request: Request) -> Response:
        person = await door.signed_in(request)
        owned = await grants.of_owner(PersonId(person.person), shards)
        return answer({"grants": [_row(room, card) for room, card in owned]})

    return [Route("/api/coupons", wallet, methods=["GET"])]


def _row(room: RoomId, card: GrantCard) -> dict[str, object]:
    return {**asdict(card), "room": room, "kind": "share" if card.arrivals_needed else "drop"}
