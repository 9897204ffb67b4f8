"""Somebody who shares the room's link, mostly with friends."""

from __future__ import annotations

from loadtests import distributions as people_do
from loadtests.audience.stage import Invitation
from loadtests.audience.viewer import Viewer
from loadtests.room_socket import Message


class Sharer(Viewer):
    """Shares once; some friends come, and now and then the "friend" is the same phone."""

    weight = 1

    def settle_in(self) -> None:
        """Shares after a while."""
        self.after(self.draw(people_do.SHARING), lambda: self.errands.spawn(self._share))

    def _share(self) -> None:
        device = f"phone-{self.number}"
        response = self.client.post(
            f"/api/rooms/{self.stage.room}/share",
            json={"channel": "link", "device": device},
            headers=self.person.authorization,
            name="share",
        )
        if not response.ok:
            return
        grant = response.json()["grant"]
        witness = self.stage.witness
        witness.outcomes["links shared"] += 1
        if self.random.random() < people_do.CHEATS:
            witness.outcomes["links opened on the sharer's own phone"] += 1
            self.stage.invitations.append(Invitation(grant, device))
        friends = self.draw(people_do.FRIENDS)
        self.stage.invitations.extend(Invitation(grant) for _ in range(friends))

    def heard(self, message: Message) -> None:
        """A coupon unlocked, perhaps."""
        if message["t"] == "grant" and message["grant"]["state"] == "active":
            self.stage.witness.outcomes["coupons unlocked by friends"] += 1
