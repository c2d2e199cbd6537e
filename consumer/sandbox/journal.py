"""Keeps what a round has sent and heard, for the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.tools.wallet_check.client import WalletReply

OK_STATUS: Final = 200
"""The only status of an order that was carried out."""
RECORDS_MAX_COUNT: Final = 60
"""More than any round sends while its player waits, unless a wallet answers 503 at once."""


class GameCall(msgspec.Struct, frozen=True):
    """A callback, before it is signed. A repetition is the same call with another signature.

    Attributes:
        verb: The last part of the path, such as `bet`.
        transaction_id: The id of the order. For a `bet-win`, that of the bet.
        fields: The body.
    """

    verb: str
    transaction_id: str
    fields: Mapping[str, object]


class SentRequest(msgspec.Struct, frozen=True):
    """A request as it was sent.

    Attributes:
        method: The HTTP method.
        target: The path.
        signature: The header `X-Signature`.
        body: The body, which is a JSON object.
    """

    method: str
    target: str
    signature: str
    body: Mapping[str, object]


class HeardAnswer(msgspec.Struct, frozen=True):
    """An answer of the wallet.

    Attributes:
        status: The status code.
        replayed: True if the wallet says that the call was carried out before.
        code: The code of a refusal.
        body: The body, if it is a JSON object, else empty.
    """

    status: int
    replayed: bool
    code: str | None
    body: Mapping[str, object]


class CallRecord(msgspec.Struct, eq=False):
    """A call and its answer. The last two are written when the call is over.

    Attributes:
        verb: The last part of the path.
        transaction_id: The id of the order.
        at_ms: When it was sent, in milliseconds since the round began.
        note: What is odd about it, in a sentence. Usually empty.
        request: What was sent.
        took_ms: How long it took, in milliseconds.
        answer: What came back. None if nothing did.
    """

    verb: str
    transaction_id: str
    at_ms: int
    note: str
    request: SentRequest
    took_ms: int = 0
    answer: HeardAnswer | None = None


class Journal:
    """The calls of one round, in the order in which they were sent.

    Args:
        clock: Measures the times.

    Attributes:
        records: The first calls, at most `RECORDS_MAX_COUNT`. Empty once it is closed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self.records: list[CallRecord] = []
        self._is_closed = False

    def sent(self, call: GameCall, request: SentRequest, note: str) -> CallRecord:
        """Note that a call is sent now."""
        record = CallRecord(call.verb, call.transaction_id, self._now_ms(), note, request)
        if len(self.records) < RECORDS_MAX_COUNT and not self._is_closed:
            self.records.append(record)
        return record

    def ended(self, record: CallRecord, reply: WalletReply | None) -> None:
        """Note how a call ended. None means that no answer came."""
        record.took_ms = self._now_ms() - record.at_ms
        if reply is not None:
            record.answer = HeardAnswer(
                reply.status, reply.is_replayed, reply.code or None, reply.document
            )

    def close(self) -> None:
        """Forget everything, and keep nothing more: nobody is left who would read it."""
        self.records.clear()
        self._is_closed = True

    def _now_ms(self) -> int:
        return int((self._clock.monotonic_s() - self._began_s) * 1000)
