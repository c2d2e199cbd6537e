"""States the contract of a dialect: everything that the module of a provider has to provide.

A dialect turns a provider's requests into the orders of the ledger, and what the ledger answers
into the provider's answers. The order of a callback is

    read the body ─► `check` the signature ─► `read` the fields ─► `carry` the order out

and `refuse` writes the answer if one of the last three steps fails. If the body does not arrive,
the port answers with a problem document of its own. The rules about money are those of the
ledger. A dialect has no rules of its own about them, and keeps nothing between two callbacks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec

from consumer.errors import ConsumerError
from consumer.http.answer import Answer
from consumer.ledger.amounts import Amounts
from consumer.ledger.answers import Booked, Funds, LedgerRefusal, OrderRefused
from consumer.ledger.base import Ledger
from consumer.ledger.orders import Bet, Caller, Rollback, RoundEnd, Win
from consumer.ledger.sessions import LedgerSessions, SeatedPlayer
from consumer.wallet.bodies import read_json
from consumer.wallet.told import RETRY_S

if TYPE_CHECKING:
    from consumer.http.request import Request
    from consumer.wallet.dialects.options import DialectOptions


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Carries out the orders of one callback.

    Attributes:
        ledger: The ledger of the environment.
        caller: The provider and the brand.
        amounts: Reads and writes amounts.
        facts: What the events of the order need and the order does not have, as JSON: see
            `Facts`.
        facts_of_end: The same for an order that closes its round.
        now_s: The time, in seconds since 1970.
    """

    ledger: Ledger
    caller: Caller
    amounts: Amounts
    facts: str
    facts_of_end: str
    now_s: float

    @property
    def sessions(self) -> LedgerSessions:
        """Finds sessions."""
        return LedgerSessions(self.ledger)

    async def book(self, order: Bet | Win | Rollback | RoundEnd) -> Booked:
        """Carry out an order that books one transaction.

        Raises:
            OrderRefused: No money has moved.
            Refused: A rollback has the id of what it gives back.
            LedgerUnavailable: The database does not answer.
        """
        if isinstance(order, Rollback) and order.transaction_id == order.reference_transaction_id:
            raise Refused("BAD_REQUEST", "expected an id of its own for a rollback")
        (booked,) = await self.ledger.call_back(self.caller, order)
        return booked

    async def seat(self, session: str) -> SeatedPlayer:
        """Return who plays in a session.

        Raises:
            OrderRefused: The provider has no such session.
            LedgerUnavailable: The database does not answer.
        """
        caller = self.caller
        seat = await self.sessions.find(caller.brand, caller.provider, session, self.now_s)
        if seat is None:
            raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
        return seat


class DialectCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a dialect.

    Attributes:
        verb: The verb of the native dialect that does the same, for the metrics.
        path: The end of the path.
        body: The fields that the dialect reads. Others are ignored, because providers add some.
        example: A body for the documentation.
        summary: What it does, in a few words.
        carry: Carries it out. It gets the desk and the fields, and returns the answer.
        method: The HTTP method. The fields of a GET are in its query.
    """

    verb: str
    path: str
    body: type[msgspec.Struct]
    example: Mapping[str, object]
    summary: str
    carry: Callable[..., Awaitable[Told]]
    method: str = "POST"


class Told(msgspec.Struct, frozen=True):
    """What a provider is told.

    Attributes:
        document: The body of the answer with status 200.
        replayed: True if the order was carried out before.
    """

    document: Mapping[str, object]
    replayed: bool = False


def told(document: Mapping[str, object], *, again: bool) -> Answer:
    """Return the answer of a dialect that has its errors in the document.

    Args:
        document: The document.
        again: If true, the provider has to send the call again.
    """
    body = msgspec.json.encode(document)
    return Answer(503, body, headers={"retry-after": RETRY_S}) if again else Answer(200, body)


class Refused(ConsumerError):
    """A callback does not succeed. With `UNAVAILABLE`, it may have been carried out all the same.

    Attributes:
        code: The code of the native dialect: that of `LedgerRefusal`, `BAD_SIGNATURE`,
            `BAD_REQUEST`, `NO_SUCH_PARTNER` (the path names no provider of this dialect, brand or
            environment), or `UNAVAILABLE` (nobody knows whether it was carried out).
        detail: What is wrong, for people.
        now: What is on the account, where it is known.
    """

    def __init__(self, code: str, detail: str, now: Funds | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.now = now


class Dialect(ABC):
    """How one provider writes callbacks.

    Attributes:
        is_public_key: If true, the secret is the provider's public key. Otherwise the two share it.
        needs_agent: If true, `agent_id` is needed.
        rules: What an operator and a provider have to know, for the documentation. Markdown.
        answers: An example of an answer for each status, for the documentation.
    """

    is_public_key: ClassVar[bool] = False
    needs_agent: ClassVar[bool] = False
    rules: ClassVar[str]
    answers: ClassVar[Mapping[int, Mapping[str, object]]]

    @abstractmethod
    def __init__(self, options: DialectOptions) -> None:
        """Prepare the key.

        Raises:
            ValueError: The key cannot be used.
        """

    @classmethod
    @abstractmethod
    def calls(cls) -> tuple[DialectCall, ...]:
        """Return the calls."""

    @abstractmethod
    def check(self, request: Request, body: bytes) -> None:
        """Check that the provider has signed a request.

        Raises:
            BadSignature: It has not.
            Problem: The signature is in the body, and the body cannot be read.
        """

    @classmethod
    def read(cls, call: DialectCall, request: Request, body: bytes) -> msgspec.Struct:
        """Return the fields of a request. By default they are a JSON object.

        Raises:
            Problem, Refused: It cannot be read.
        """
        del request
        return read_json(body, call.body)

    @classmethod
    @abstractmethod
    def refuse(cls, refused: Refused, call: DialectCall, body: bytes, amounts: Amounts) -> Answer:
        """Write the answer to a callback that is not carried out.

        Args:
            refused: Why.
            call: The call.
            body: The body, which may be anything.
            amounts: Writes amounts.
        """
