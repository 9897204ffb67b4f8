"""Who is told of as a visitor, over the real socket: people with an account, never guests."""

from __future__ import annotations

from tests.gateway import running_gateway
from tests.rooms import HOST


async def test_a_guests_visit_through_a_link_is_never_a_visit() -> None:
    async with running_gateway() as gateway:
        guest = gateway.token("guest-1", "Passer-by", guest=True)
        async with gateway.viewer(guest, grant="g", device="phone-1"):
            pass
        async with gateway.viewer(grant="g", device="phone-2"):
            pass
        async with gateway.viewer(gateway.token(), grant="g", device="phone-3"):
            assert [person for what, person in gateway.visits.log if what == "entered"] == [HOST]
