"""What shops promise: read by everybody, set by those who run the shop."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.errors import Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import ANYBODY, Refusals, Resource, in_role
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.ids import ShopId
from livecommerce.shop import Policies, Policy, Shops, checked_policy


class PolicyRoutes:
    """The handlers of ``/api/shops/{shop}/policy``."""

    def __init__(self, policies: Policies, shops: Shops, door: Door, trail: RequestTrail) -> None:
        self._policies = policies
        self._shops = shops
        self._door = door
        self._trail = trail

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        api, path = Resource("shops", ANYBODY), "/api/shops/{shop}/policy"
        missing: Refusals = {NotFound: ["shop_not_found"]}
        return [
            api.operation("GET", path, self.show, Policy, refuses=missing),
            api.operation(
                "PUT",
                path,
                self.set,
                Policy,
                takes=Policy,
                caller=in_role("merchant", "the shop"),
                refuses={**missing, Invalid: ["bad_policy"]},
            ),
        ]

    async def show(self, request: Request) -> Answer[Policy]:
        """The policy for what is bought now."""
        shop = await self._shop(request)
        return answer((await self._policies.policies_of([shop]))[shop])

    async def set(self, request: Request) -> Answer[Policy]:
        """Another policy for what is bought from now on."""
        person = await self._door.signed_in(request)
        shop = await self._shop(request)
        person.require("merchant", shop)
        policy = checked_policy(await read(request, Policy))
        before = (await self._policies.policies_of([shop]))[shop]
        await self._policies.set_policy(shop, policy)
        await self._trail.note(request, person, "policy.set", shop, before=before, after=policy)
        return answer(policy)

    async def _shop(self, request: Request) -> ShopId:
        shop = ShopId(request.path_params["shop"])
        if not await self._shops.names_of([shop]):
            raise NotFound("shop_not_found")
        return shop
