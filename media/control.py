"""What the gateway tells us, signed (Standard Webhooks): a seat is closed."""

from __future__ import annotations

from typing import Literal

import msgspec
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.requests import Request
from starlette.responses import Response

from media.errors import Forbidden, MalformedOffer
from media.exchange import read_bytes
from media.forwarder import Forwarder
from media.hooks import webhook_key


class SeatClosed(msgspec.Struct, frozen=True):
    """A show ended (no seat: all of them), or a seat was taken back, at `at_ms` UTC."""

    type: Literal["seat.closed"]
    room: str
    seat: str
    at_ms: int


class ControlResource:
    """The resource `/control`. Repeating a message changes nothing, so its sender may."""

    def __init__(self, forwarder: Forwarder, token_secret: str) -> None:
        self._forwarder = forwarder
        self._webhook = Webhook(webhook_key("media-control", token_secret))

    async def handle(self, request: Request) -> Response:
        """Take one message."""
        body = await read_bytes(request)
        try:
            self._webhook.verify(body, dict(request.headers))
            message = msgspec.json.decode(body, type=SeatClosed)
        except WebhookVerificationError:
            raise Forbidden("the signature is not the gateway's") from None
        except (msgspec.DecodeError, ValueError):
            raise MalformedOffer("the message is not one that is known here") from None
        self._forwarder.close_seat(message.room, message.seat, message.at_ms / 1000)
        return Response(status_code=204)
