"""Publishes to core NATS, which delivers at most once: an event that nobody hears is gone.

This is for subscribers that want the newest event or none. No copy is recognised. The log, the
documentation and `check` say this. Dead letters are stored in JetStream nevertheless.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import nats.errors

from consumer.errors import SinkUnavailable
from consumer.sinks.base import Message, Receipt
from consumer.sinks.connected import ConnectedSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.nats.connection import NatsSettings


class CoreSink(ConnectedSink):
    """Publishes. The answer to a ping confirms everything that was sent before the ping."""

    deduplicates = False

    def __init__(self, connection: NatsSettings, *, name: str, publish_timeout_s: float) -> None:
        super().__init__(connection, name=name)
        self._publish_timeout_s = publish_timeout_s
        self._hearing: list[list[str]] = []
        """What the server refused, for each call of `publish` that runs now."""

    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """See `Sink.publish`. A confirmation means that the server has taken the message."""
        refusals: list[str] = []
        self._hearing.append(refusals)
        try:
            client = self.client
            for message in messages:
                await client.publish(
                    message.subject,
                    message.body,
                    headers={"Nats-Msg-Id": message.message_id, **message.headers},
                )
            async with asyncio.timeout(self._publish_timeout_s):
                await client.flush()
        except SinkUnavailable as away:
            return [away for _ in messages]
        except (nats.errors.Error, OSError, TimeoutError) as error:
            unknown = SinkUnavailable(f"the server did not take it: {error}")
            return [unknown for _ in messages]
        finally:
            self._hearing = [heard for heard in self._hearing if heard is not refusals]
        return [_answer(message, refusals) for message in messages]

    async def keeps(self, _number: int, _message_id: str, /) -> bool:
        """See `Sink.keeps`. Core NATS keeps nothing."""
        return False

    def complain(self, error: Exception) -> None:
        """Hear what the server refuses. It says so before it answers the ping."""
        super().complain(error)
        for refusals in self._hearing:
            refusals.append(self.complaint)


def _answer(message: Message, refusals: list[str]) -> Receipt | SinkUnavailable:
    # nats-py makes the server's text lower case.
    quoted = f'"{message.subject}"'.lower()
    for refusal in refusals:
        if quoted in refusal.lower():
            return SinkUnavailable(f"the server refused it: {refusal}")
    return Receipt.STORED
