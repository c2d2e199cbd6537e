"""Answers the callbacks of providers that speak a dialect of their own.

POST /v1/wallet/<provider>/<brand>/<environment>/… ─► who may call ─► dialect ─► ledger ─► answer
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from consumer.deliveries.origin import Environment
from consumer.errors import Unavailable
from consumer.http.answer import Answer, Problem
from consumer.ledger.amounts import BadAmount, UnknownCurrency
from consumer.ledger.answers import OrderRefused
from consumer.ledger.orders import Caller, SpendOrder
from consumer.wallet.callbacks import ANSWER_S, REPLAYED, whole_body
from consumer.wallet.counted import counted
from consumer.wallet.dialects.base import Desk, Refused
from consumer.wallet.dialects.registry import dialect_class, make_dialect
from consumer.wallet.facts import NotConfigured
from consumer.wallet.settings import NATIVE
from consumer.wallet.signature import BadSignature
from consumer.wallet.told import IN_DOUBT, NOT_CONFIGURED, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.clock import Clock
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.base import Ledger
    from consumer.operations.metrics import Metrics
    from consumer.wallet.counted import CallTally
    from consumer.wallet.dialects.base import Dialect, DialectCall, Told
    from consumer.wallet.facts import Facts
    from consumer.wallet.settings import WalletSettings

NO_SUCH_PARTNER: Final = "NO_SUCH_PARTNER"

log = structlog.get_logger()


class DialectCallbacks:
    """Answers the callbacks.

    Args:
        ledgers: The ledger of each environment.
        settings: The options of `[wallet]`.
        amounts: Reads and writes amounts.
        facts: Writes down what the events of an order need besides.
        metrics: Where callbacks are counted.
        clock: The clock.
    """

    def __init__(  # the room's parts, and each is used here
        self,
        ledgers: Mapping[Environment, Ledger],
        settings: WalletSettings,
        amounts: Amounts,
        facts: Facts,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._ledgers = ledgers
        self._settings = settings
        self._amounts = amounts
        self._facts = facts
        self._metrics = metrics
        self._clock = clock
        self._dialects = {
            (name, environment): made
            for name, provider in settings.providers.items()
            if provider.dialect != NATIVE
            for environment in ledgers
            if (made := make_dialect(provider, environment)) is not None
        }

    async def answer(self, name: str, call: DialectCall, request: Request) -> Answer:
        """Answer a callback, and count it.

        Args:
            name: The name of the dialect.
            call: The call.
            request: The request.

        Raises:
            Problem: The body is too large, or it cannot be read now. Nothing was carried out.
        """
        with counted(self._metrics, call.verb) as tally:
            body = await whole_body(request)
            try:
                told = await self._carried(name, call, request, body, tally)
            except Refused as refused:
                tally.code = refused.code
                return dialect_class(name).refuse(refused, call, body, self._amounts)
            tally.code = "REPLAYED" if told.replayed else "OK"
            headers = {REPLAYED: "true"} if told.replayed else {}
            return Answer(200, msgspec.json.encode(told.document), headers=headers)

    async def _carried(
        self, name: str, call: DialectCall, request: Request, body: bytes, tally: CallTally
    ) -> Told:
        """Carry a callback out.

        Raises:
            Refused: It is not carried out, or nobody knows.
        """
        environment, dialect = self._partner(name, request)
        try:
            dialect.check(request, body)
            tally.environment = environment
            sent = dialect.read(call, request, body)
            async with asyncio.timeout(ANSWER_S):
                return await call.carry(self._desk(environment, request), sent)
        except BadSignature as error:
            raise Refused("BAD_SIGNATURE", str(error)) from error
        except Problem as problem:
            raise Refused(str(problem.facts.get("code")), problem.detail) from problem
        except OrderRefused as refused:
            code = refused.refusal
            raise Refused(code.value, WORDS[code], refused.now) from refused
        except BadAmount as error:
            raise Refused("BAD_AMOUNT", str(error)) from error
        except UnknownCurrency as error:
            raise Refused("WRONG_CURRENCY", str(error)) from error
        except (TimeoutError, Unavailable) as error:
            log.warning("order not answered", request=request.id, why=str(error) or "too slow")
            detail = NOT_CONFIGURED if isinstance(error, NotConfigured) else IN_DOUBT
            raise Refused("UNAVAILABLE", detail) from error

    def _partner(self, name: str, request: Request) -> tuple[Environment, Dialect]:
        """Return whose path it is. Nobody's signature is checked yet.

        Raises:
            Refused: The path names nobody who may call.
        """
        provider, brand = request.parameters["provider"], request.parameters["brand"]
        settings = self._settings.providers.get(provider)
        environment = _ENVIRONMENTS.get(request.parameters["environment"])
        dialect = None
        if environment is not None:
            dialect = self._dialects.get((provider, environment))
        if (
            settings is None
            or environment is None
            or dialect is None
            or settings.dialect != name
            or brand not in (settings.brands or self._settings.brands)
        ):
            raise Refused(
                NO_SUCH_PARTNER, "the path names no provider, brand or environment that is served"
            )
        return environment, dialect

    def _desk(self, environment: Environment, request: Request) -> Desk:
        provider, brand = request.parameters["provider"], request.parameters["brand"]
        caller = Caller(
            brand=brand,
            provider=provider,
            spend_order=SpendOrder(self._settings.spend_order[0]),
            reverses_wins=self._settings.providers[provider].rollback_wins,
        )
        return Desk(
            ledger=self._ledgers[environment],
            caller=caller,
            amounts=self._amounts,
            facts=self._facts.of(brand),
            facts_of_end=self._facts.of(brand, round_end=True),
            now_s=self._clock.now_s(),
        )


_ENVIRONMENTS: Final = {each.value: each for each in Environment}
