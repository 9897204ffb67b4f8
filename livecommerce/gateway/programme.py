"""The stores around the shows, as the HTTP API reads them."""

from __future__ import annotations

from dataclasses import dataclass

from livecommerce.accounts import AccountStore
from livecommerce.catalog import Catalog
from livecommerce.coupon import Campaigns
from livecommerce.room.glance import LiveRooms
from livecommerce.room.live import RoomStore
from livecommerce.schedule.store import ScheduleStore
from livecommerce.shop import Shops


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Who is on when, what they show, and the rooms in which it happens."""

    schedule: ScheduleStore
    catalog: Catalog
    shops: Shops
    accounts: AccountStore
    campaigns: Campaigns
    rooms: RoomStore
    live: LiveRooms
