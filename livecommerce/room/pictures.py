"""Whether a picture is still there: its media process speaks of it every few seconds, until it dies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

HEARD_SECONDS = 12
"""How long one report counts. The next comes after five seconds; one may be lost."""
LISTEN_SECONDS = 4.0
"""How often a gateway says that it is there to be reported to."""


class PictureReports(Protocol):
    """When each picture was last reported, for all gateways and workers; forgets by itself."""

    async def heard(self, room: str, stream: str) -> None:
        """A picture was reported now; raises ``Unavailable``."""
        ...

    async def listen(self) -> None:
        """A gateway is there to be reported to, for ``HEARD_SECONDS``; raises ``Unavailable``."""
        ...

    async def are_heard(self) -> bool:
        """Whether a gateway is there. Where none is, silence says nothing; raises ``Unavailable``."""
        ...

    async def silent(self, room: str, streams: Collection[str]) -> set[str]:
        """Those of which nothing was heard for ``HEARD_SECONDS``; raises ``Unavailable``."""
        ...
