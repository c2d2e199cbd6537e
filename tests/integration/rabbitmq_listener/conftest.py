"""A queue of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def source(rabbitmq_url: str) -> AsyncIterator[RabbitmqSource]:
    """Return a queue that only this test uses."""
    source = RabbitmqSource(rabbitmq_url)
    await source.open()
    yield source
    await source.close()
