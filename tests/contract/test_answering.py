"""The contract of listeners whose senders wait, on a fake; an HTTP listener has to pass it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.answering_suite import AnsweringListenerContract
from tests.support.source_asking import AskingListener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class TestMemoryAnswering(AnsweringListenerContract):
    """The fake on which the lane is tested with waiting senders."""

    @pytest.fixture
    async def listener(self) -> AsyncIterator[AskingListener]:
        """Return an open listener."""
        listener = AskingListener()
        await listener.open()
        yield listener
        await listener.close()
