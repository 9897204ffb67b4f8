"""How many are watching and how many hearts there are: counts, never names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

BEAT_SECONDS = 0.5
"""How often a gateway reports its rooms, and hears of the others."""
SILENT_MS = 1_250
"""A gateway that was silent for so long counts no longer. The others know at their next beat, their viewers
at the next flush: a killed gateway's viewers are counted for two seconds at most."""


class Attendance(NamedTuple):
    """Viewers and hearts of one room: of one gateway since its last beat, or of all together."""

    viewers: int
    likes: int


class PresenceStore(Protocol):
    """Where gateways add up what they see."""

    async def beat(self, node: str, rooms: Mapping[str, Attendance]) -> Mapping[str, Attendance]:
        """Reports a node's viewers and new hearts, answers the totals; rooms not reached are left out.

        Raises:
            Unavailable: the store is away; hearts of this beat may or may not have counted.
        """
        ...


class Presence:
    """One room's counts as this gateway knows them."""

    def __init__(self) -> None:
        self.viewers = 0
        self.likes = 0
        self._elsewhere = 0
        self._new_likes = 0

    def update_here(self, viewers: int) -> bool:
        """Counts this gateway's own viewers at once. Returns whether the total changed."""
        return self._set(self._elsewhere + viewers, self.likes)

    def like(self, count: int) -> None:
        """Adds hearts that a viewer here gave."""
        self._new_likes += count
        self.likes += count

    def take(self, viewers: int) -> Attendance:
        """What to report at this beat."""
        taken, self._new_likes = self._new_likes, 0
        return Attendance(viewers, taken)

    def give_back(self, unreported: Attendance) -> None:
        """The beat did not arrive: its hearts go with the next one."""
        self._new_likes += unreported.likes

    def learn(self, total: Attendance, here: int) -> bool:
        """Takes over the totals. Returns whether anything changed."""
        self._elsewhere = max(0, total.viewers - here)
        return self._set(max(total.viewers, here), total.likes + self._new_likes)

    def _set(self, viewers: int, likes: int) -> bool:
        changed = (viewers, likes) != (self.viewers, self.likes)
        self.viewers, self.likes = viewers, likes
        return changed
