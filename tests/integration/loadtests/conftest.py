"""One whole product for the load generator's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loadtests.deployment import Deployment, deployed


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """Everything that ``livecommerce up --demo`` starts."""
    with deployed() as running:
        yield running
