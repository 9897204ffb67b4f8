"""Sharing a room: the link, and the coupon that friends unlock by coming."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.clock import Clock
from livecommerce.coupon import Campaign, Campaigns, LockedGrant, Wallets
from livecommerce.errors import Conflict, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Resource
from livecommerce.ids import GrantId, PersonId, RoomId, named_id, shard_of
from livecommerce.localized import LocalText
from livecommerce.schedule.show import Show
from livecommerce.schedule.store import ScheduleStore
from livecommerce.share import Place, Sharing


class ShareWish(Struct, frozen=True, kw_only=True):
    """Where somebody wants to share; the device is the one that the socket's ``join`` names."""

    channel: Literal["link"] = "link"
    device: Annotated[str, Meta(max_length=64)] = ""


class ShareTerms(Struct, frozen=True, kw_only=True):
    """What sharing earns."""

    title: LocalText
    arrivals_needed: int
    discount_minor: int
    threshold_minor: int
    currency: str
    percent_ppm: int


class ShareLink(Struct, frozen=True, kw_only=True):
    """A person's own link into a room."""

    url: str
    grant: str
    """What in the link names the person."""
    campaign: ShareTerms | None
    """Null: sharing earns nothing now."""


class ShareRoutes:
    """The handler of ``/api/rooms/{room}/share``."""

    def __init__(
        self,
        schedule: ScheduleStore,
        campaigns: Campaigns,
        wallets: Wallets,
        sharing: Sharing,
        door: Door,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._schedule = schedule
        self._campaigns = campaigns
        self._wallets = wallets
        self._sharing = sharing
        self._door = door
        self._clock = clock
        self._public_url = public_url

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Resource("rooms", SIGNED_IN).operation(
                "POST",
                "/api/rooms/{room}/share",
                self.share,
                ShareLink,
                takes=ShareWish,
                refuses={NotFound: ["show_not_found"], Conflict: ["show_ended"]},
            )
        ]

    async def share(self, request: Request) -> Answer[ShareLink]:
        """Answers the person's link, always the same, and what it can earn."""
        person = PersonId((await self._door.signed_in(request)).person)
        wish = await read(request, ShareWish)
        show = await self._schedule.show(RoomId(request.path_params["room"]))
        if show.phase == "ended":
            raise Conflict("show_ended")
        grant, place = await self._sharing.link(show.room, person, wish.device, self._clock())
        campaign = await self._running_campaign(show)
        if campaign is not None and not await self._promise(campaign, place, show.room, person):
            campaign = None
        url = f"{self._public_url}/room/{show.room}?g={grant}"
        return answer(ShareLink(url=url, grant=grant, campaign=_terms(campaign)))

    async def _running_campaign(self, show: Show) -> Campaign | None:
        running = await self._campaigns.of_shop(show.shop, self._clock())
        return next((campaign for campaign in running if campaign.kind == "share"), None)

    async def _promise(self, campaign: Campaign, place: Place, room: RoomId, person: PersonId) -> bool:
        """Locks a coupon until friends come; each step may be repeated, and none moves money.

        Answers whether there is one: the budget may be spent, the person's wallet full.
        """
        reward = GrantId(named_id(shard_of(room), "share", room, campaign.campaign, person))
        if place.reward == reward:
            return True
        if campaign.left_minor < campaign.discount_minor:
            return False
        locked = LockedGrant(
            grant=reward,
            room=room,
            owner=person,
            summary=campaign.summary,
            funder=campaign.funder,
            per_person=campaign.per_person,
        )
        try:
            await self._wallets.create_locked(locked)
        except Conflict:
            return False
        await self._sharing.keep_reward(room, person, reward)
        return True


def _terms(campaign: Campaign | None) -> ShareTerms | None:
    if campaign is None:
        return None
    return ShareTerms(
        title=campaign.title,
        arrivals_needed=campaign.arrivals_needed,
        discount_minor=campaign.discount_minor,
        threshold_minor=campaign.threshold_minor,
        currency=campaign.currency,
        percent_ppm=campaign.percent_ppm,
    )
