"""What a gateway does with the commands of its sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livecommerce.app.pictures import picture_ending
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.gateway.background import Background
from livecommerce.gateway.blocked_words import BlockedWords
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.gateway.hold_batch import HoldBatch
from livecommerce.gateway.lines import Lines
from livecommerce.gateway.room_commands import RoomCommands
from livecommerce.gateway.sale_terms import SaleTerms
from livecommerce.gateway.selling_commands import SellingCommands
from livecommerce.gateway.stage_commands import StageCommands
from livecommerce.gateway.stockroom import Stockroom
from livecommerce.gateway.trail import Trail
from livecommerce.settings import Settings
from livecommerce.stores import Stores


def command_handlers(
    settings: Settings, stores: Stores, background: Background, words: BlockedWords, rates: CurrentRates
) -> Mapping[type[Any], Any]:
    """Who handles each command."""
    trail = Trail(stores.audit, now_ms)
    end_pictures = picture_ending(settings, stores, background)
    stockroom = Stockroom(stores.catalog, stores.schedule)
    checkout = Checkout(stores.inventory, stores.coupons, stores.shops, now_ms, rates)
    desk = HoldBatch(checkout, background, now_ms)
    lines = Lines(stores.waitlists, stores.seeds)
    selling = SellingCommands(
        desk,
        stores.inventory,
        stockroom,
        stores.coupons,
        stores.campaigns,
        lines,
        trail,
        now_ms,
        settings.hold_seconds,
        end_pictures,
    )
    return {
        **RoomCommands(stockroom, words, stores.sanctions, trail, now_ms).handlers(),
        **StageCommands(trail, now_ms, end_pictures).handlers(),
        **selling.handlers(),
        **lines.handlers(),
        **SaleTerms(stores.inventory, stores.loans, trail, now_ms).handlers(),
    }
