"""How gateways and workers end pictures."""

from __future__ import annotations

from livecommerce.clock import now_ms
from livecommerce.gateway.background import Background
from livecommerce.gateway.media_plane import MediaControl
from livecommerce.room.stage import EndPictures
from livecommerce.settings import Settings
from livecommerce.stores import Stores


def picture_ending(settings: Settings, stores: Stores, background: Background) -> EndPictures:
    """What ends the pictures of a seat, or does nothing where there is an engine."""
    if settings.has_engine:
        return lambda _room, _seat: None  # an engine asks us for each publisher, and has no seats to close
    control = MediaControl(
        stores.http, settings.media_control_url or settings.media_url, settings.token_secret, now_ms
    )
    return lambda room, seat: background.spawn(control.close_seats(room, seat))
