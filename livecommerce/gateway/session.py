"""A person's presence in a room over one connection."""

from __future__ import annotations

from livecommerce.accounts import Person
from livecommerce.errors import Forbidden
from livecommerce.gateway.auth import Credential
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.room.cards import PersonCard
from livecommerce.room.room import is_appointed


class Session:
    """Who sits behind a joined connection, and where."""

    __slots__ = (
        "device",
        "expires_ms",
        "expiring",
        "grant",
        "joined_ms",
        "person",
        "served",
        "signed_in_ms",
    )

    def __init__(
        self, credential: Credential, served: ServedRoom, device: str, grant: str, joined_ms: int
    ) -> None:
        self.renew(credential)
        self.served = served
        self.device = device
        self.grant = grant
        self.joined_ms = joined_ms

    def renew(self, credential: Credential) -> None:
        """Goes on with another token of the same person."""
        self.person: Person = credential.person
        self.expires_ms: int = credential.expires_ms
        self.signed_in_ms: int = credential.signed_in_ms
        self.expiring = False
        """Whether the client was told that its token ends soon."""

    @property
    def card(self) -> PersonCard:
        """The person as the room sees them."""
        return PersonCard(person=self.person.person, name=self.person.name, role=self._role)

    @property
    def _role(self) -> str:
        """What the person is in this room, whatever they are elsewhere."""
        if self.person.guest:
            return "guest"
        if self.is_host:
            return "host"
        if self.person.is_operator:
            return "operator"
        if self.moderates:
            return "moderator"
        segment = self.served.live.state.segment
        on_air = segment is not None and self.person.has_role("brand", segment.brand)
        return "brand" if on_air else "viewer"

    @property
    def is_host(self) -> bool:
        """Whether this is the room's own host."""
        return self.person.person == self.served.live.state.host.person

    @property
    def moderates(self) -> bool:
        """Whether the person may pin, mute and delete here."""
        state = self.served.live.state
        if self.is_host:
            return True
        if self.person.roles and any(
            self.person.has_role(role, state.shop) for role in ("moderator", "host")
        ):
            return True
        if not state.moderators or self.person.guest:
            return False
        return is_appointed(state, self.person.person)

    def require_host(self) -> None:
        """Refuses everyone but the room's host and operators.

        Raises:
            Forbidden: ``host_only``.
        """
        if not self.is_host and not self.person.is_operator:
            raise Forbidden("host_only")

    def require_moderator(self) -> None:
        """Refuses people who may not moderate here.

        Raises:
            Forbidden: ``moderator_only``.
        """
        if not self.moderates:
            raise Forbidden("moderator_only")

    def require_account(self) -> None:
        """Refuses guests.

        Raises:
            Forbidden: ``sign_in_required``.
        """
        if self.person.guest:
            raise Forbidden("sign_in_required")
