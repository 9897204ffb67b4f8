"""Between the rules and the wire: snapshots out of rooms, error messages and statuses out of errors."""

from __future__ import annotations

import http

from msgspec import Struct

from livecommerce import errors
from livecommerce.flash_sale import StockCount
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.gateway.session import Session
from livecommerce.waitlist import QueueCount


class ErrorDetails(Struct, frozen=True, kw_only=True):
    """Why something was refused, for programs; the client has the words."""

    code: str
    params: dict[str, str | int]
    """What the words need: a limit, the units on hand …"""
    temporary: bool
    """The same request may succeed later."""


class ErrorBody(Struct, frozen=True):
    """Every answer that is not a good one."""

    error: ErrorDetails


_STATUS: dict[type[errors.DomainError], http.HTTPStatus] = {
    errors.NotFound: http.HTTPStatus.NOT_FOUND,
    errors.Forbidden: http.HTTPStatus.FORBIDDEN,
    errors.Unauthenticated: http.HTTPStatus.UNAUTHORIZED,
    errors.Invalid: http.HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Conflict: http.HTTPStatus.CONFLICT,
    errors.TooMany: http.HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: http.HTTPStatus.SERVICE_UNAVAILABLE,
}


def error_message(error: errors.DomainError, message_id: int | None) -> to_client.Error:
    """A refusal as the socket says it."""
    return to_client.Error(
        code=error.code, id=message_id, params=dict(error.params), temporary=error.temporary
    )


def error_status(error: errors.DomainError) -> int:
    """A refusal as an HTTP status."""
    return status_of(type(error))


def status_of(kind: type[errors.DomainError]) -> int:
    """The HTTP status of a kind of error."""
    return next((int(status) for known, status in _STATUS.items() if issubclass(kind, known)), 500)


def error_body(error: errors.DomainError) -> ErrorBody:
    """A refusal as a JSON document."""
    return ErrorBody(ErrorDetails(code=error.code, params=dict(error.params), temporary=error.temporary))


def joined_messages(session: Session, join: from_client.Join, server_ms: int) -> list[object]:
    """The answer to ``join``: a fresh snapshot, or only what was missed where memory reaches back."""
    served = session.served
    missed = served.live.since(join.epoch, join.offset) if join.epoch else None
    if missed is None:
        return [_snapshot(session, server_ms)]
    return [_resumed(session, server_ms), *missed]


def _snapshot(session: Session, server_ms: int) -> to_client.Snapshot:
    served = session.served
    return to_client.Snapshot(
        epoch=served.live.epoch,
        offset=served.live.offset,
        server_ms=server_ms,
        me=session.card,
        room=served.live.state,
        stock=_current_stock(served),
        viewers=served.presence.viewers,
        likes=served.presence.likes,
        comments=tuple(served.comments),
        queues=_current_queues(served),
    )


def _resumed(session: Session, server_ms: int) -> to_client.Resumed:
    served = session.served
    return to_client.Resumed(
        epoch=served.live.epoch,
        offset=served.live.offset,
        server_ms=server_ms,
        me=session.card,
        stock=_current_stock(served),
        viewers=served.presence.viewers,
        likes=served.presence.likes,
        comments=tuple(served.comments),
        queues=_current_queues(served),
    )


def _current_stock(served: ServedRoom) -> tuple[StockCount, ...]:
    shown = (served.stock.get(sale.sale) for sale in served.live.state.sales)
    return tuple(count for count in shown if count is not None)


def _current_queues(served: ServedRoom) -> tuple[QueueCount, ...]:
    shown = (served.queues.get(sale.sale) for sale in served.live.state.sales)
    return tuple(count for count in shown if count is not None)
