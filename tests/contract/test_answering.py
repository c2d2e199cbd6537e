"""The contract of listeners whose senders wait: on a fake, and over HTTP on a real port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from consumer.deliveries.delivery import Duplicate
from tests.contract.answering_suite import AnsweringListenerContract
from tests.support.fates import REJECTED, SENDER, STORED
from tests.support.posting import KEY
from tests.support.source_asking import AskingListener
from tests.support.source_http import HttpSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.deliveries.delivery import End
    from consumer.deliveries.origin import Sender


class TestMemoryAnswering(AnsweringListenerContract):
    """The fake on which the lane is tested with waiting senders."""

    @pytest.fixture
    async def listener(self) -> AsyncIterator[AskingListener]:
        """Return an open listener."""
        listener = AskingListener()
        await listener.open()
        yield listener
        await listener.close()


class _Posting:
    """The HTTP listener, and a sender that posts to it, as the suite sees them."""

    def __init__(self, source: HttpSource) -> None:
        self._source = source
        self._listener = source.listener()
        self.source_keeps = self._listener.source_keeps
        self.answer_within_s = self._listener.answer_within_s
        self.open = self._listener.open
        self.receive = self._listener.receive
        self.settle = self._listener.settle
        self.close = self._listener.close

    async def ask(
        self, body: bytes, message_type: str | None = "CASINO", sender: Sender = SENDER
    ) -> End | None:
        """Post, and read the end out of the answer. See the suite."""
        key = msgspec.structs.replace(KEY, brand=sender.brand, environment=sender.environment)
        answer = await self._source.post(body, message_type, key=key)
        told = answer.json()
        if answer.status_code == 503:
            return None
        if answer.status_code == 400:
            assert told["reason"] == REJECTED.rejected.reason
            assert told["detail"] == REJECTED.rejected.detail
            return REJECTED
        event = STORED.event
        assert (told["id"], told["type"]) == (event.id, event.subject)
        return STORED if told["status"] == "stored" else Duplicate(event)


class TestHttpAnswering(AnsweringListenerContract):
    """The public port."""

    @pytest.fixture
    async def listener(self) -> AsyncIterator[_Posting]:
        """Return an open listener."""
        source = HttpSource(answer_timeout_s=0.3)
        await source.open()
        posting = _Posting(source)
        await posting.open()
        yield posting
        await posting.close()
        await source.close()
