"""One track of a stream, and the viewers that take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.sink import Leg
from media.track import Packet, Track

if TYPE_CHECKING:
    from media.viewer import Viewer


class Channel:
    """Viewers are in one place each: live, catching up behind a replay, or to come at the next keyframe.

    `arriving` are those that still take another layer, and change over here at a keyframe.
    """

    def __init__(self, track: Track) -> None:
        self.track = track
        self.pending: list[Packet] = []
        self.live: dict[str, Leg] = {}
        self.waiting: dict[str, Viewer] = {}
        self.arriving: dict[str, Viewer] = {}

    @property
    def is_watched(self) -> bool:
        """Whether somebody takes it, or wants to."""
        return bool(self.live or self.waiting or self.arriving)

    @property
    def wants_keyframe(self) -> bool:
        """Whether no picture can be shown, no new viewer be served, or somebody change over, before one."""
        return self.track.wants_keyframe or bool(self.arriving)

    def remove(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self.live.pop(viewer.id, None)
        self.waiting.pop(viewer.id, None)
        self.arriving.pop(viewer.id, None)
