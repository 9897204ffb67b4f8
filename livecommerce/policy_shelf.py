"""The policies of shops, remembered for a few seconds, so that a wish waits for SQL only now and then."""

from __future__ import annotations

import logging
from collections.abc import Collection

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.shop import Policies, Policy

POLICY_MS = 10_000
"""How long a policy that was read counts; the buyer sees its promises before paying, and gets just those."""

log = logging.getLogger(__name__)


class PolicyShelf:
    """What one process knows of shops' policies."""

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock
        self._kept: dict[str, tuple[Policy, int]] = {}

    async def learn(self, shops: Collection[str]) -> None:
        """Reads again what is too old; where SQL is away, what is known stays good.

        Raises:
            Unavailable: SQL is away, and a shop was never read.
        """
        now_ms = self._clock()
        stale = [shop for shop in shops if shop not in self._kept or self._kept[shop][1] <= now_ms]
        if not stale:
            return
        try:
            fresh = await self._policies.policies_of(stale)
        except Unavailable:
            if any(shop not in self._kept for shop in stale):
                raise
            log.warning("policies of %d shops are the ones last read", len(stale))
            return
        self._kept.update({shop: (policy, now_ms + POLICY_MS) for shop, policy in fresh.items()})

    def of(self, shop: str) -> Policy:
        """The policy of a shop that was learnt."""
        return self._kept[shop][0]
