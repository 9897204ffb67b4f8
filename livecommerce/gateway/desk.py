"""What those who moderate a room see on this gateway beside the others."""

from __future__ import annotations

from livecommerce.gateway.messages import to_client
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.room import bus
from livecommerce.room.cards import CommentLine

MAX_HELD = 200
"""Comments that wait at once; beyond, the oldest are given up, as on the crowd's lane everywhere."""


class Desk:
    """The connections of those who moderate, and the comments that wait for them."""

    def __init__(self) -> None:
        self.held: dict[str, CommentLine] = {}
        self._viewers: set[RoomProtocol] = set()

    def admit(self, viewer: RoomProtocol) -> bool:
        """Lets a viewer see the desk if they moderate, and no longer if they do not; whether that is new."""
        moderates = viewer.session is not None and viewer.session.moderates
        if moderates == (viewer in self._viewers):
            return False
        (self._viewers.add if moderates else self._viewers.discard)(viewer)
        return True

    def leave(self, viewer: RoomProtocol) -> None:
        """A viewer is gone."""
        self._viewers.discard(viewer)

    def tell(self, *messages: object) -> None:
        """Sends to all who moderate here."""
        for viewer in tuple(self._viewers):
            viewer.send_messages(*messages)

    def show(self, news: bus.ForDesk) -> None:
        """Takes over what waits and what waits no longer, and shows it."""
        for line in news.held:
            self.held[line.comment] = line
        while len(self.held) > MAX_HELD:
            del self.held[next(iter(self.held))]
        if news.held:
            self.tell(to_client.Held(comments=news.held))
        if news.shadowed:
            self.tell(to_client.Shadowed(comments=news.shadowed))
        if news.reviewed:
            self.held.pop(news.reviewed, None)
            self.tell(to_client.Reviewed(comment=news.reviewed))
