"""What is known of a person, for them to have and to have forgotten."""

from __future__ import annotations

from typing import Any, Protocol

from livecommerce.ids import PersonId


class People(Protocol):
    """All personal data; it stands in SQL alone."""

    async def export(self, person: PersonId) -> dict[str, Any]:
        """Everything that names this person, as builtin values.

        Raises:
            NotFound: ``person_not_found``.
        """
        ...

    async def erase(self, person: PersonId) -> None:
        """Forgets who a person is: name, sign-in, roles, addresses, and where orders went.

        What was sold stays in orders and books, under an id that leads to nobody. Repeatable.

        Raises:
            NotFound: ``person_not_found``.
            Conflict: ``orders_open`` with how many: what is paid and not completed must still reach them.
        """
        ...
