"""Answers what a brand asks of its players' money: accounts, sessions, deposits and bonuses.

The key of a request decides about the brand and the environment. `reference` makes each write
idempotent, so these endpoints take no `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.timestamp import from_epoch_s
from consumer.http.answer import Answer, Problem
from consumer.http.request import key_of
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import BonusEnd, BonusIssue, Deposit
from consumer.ledger.shown import PlayedSession
from consumer.wallet.bodies import (
    BODY_MAX_BYTES,
    SentBody,
    SentName,
    bad_request,
    part_of,
    read_json,
)
from consumer.wallet.told import booked_fields, funds_fields, refusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from consumer.clock import Clock
    from consumer.deliveries.origin import Environment
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.base import Ledger
    from consumer.ledger.shown import Player
    from consumer.wallet.facts import Facts
    from consumer.wallet.settings import WalletSettings

ANSWER_S: Final = 10.0
"""How long a brand waits at most, in seconds."""
SESSION_BYTES: Final = 24
"""A session's id is a secret: whoever knows it, and has the provider's key, can play."""


class PlayerBody(SentBody, frozen=True, kw_only=True):
    """The body that opens an account."""

    player_id: SentName
    currency: SentName


class SessionBody(SentBody, frozen=True, kw_only=True):
    """The body that begins a session. The provider is needed if there are several."""

    player_id: SentName
    currency: SentName
    game_id: SentName
    provider: SentName | None = None


class DepositBody(SentBody, frozen=True, kw_only=True):
    """The body of a deposit."""

    amount: str
    currency: SentName
    reference: SentName
    vendor_id: SentName


class BonusBody(SentBody, frozen=True, kw_only=True):
    """The body that issues a bonus."""

    amount: str
    currency: SentName
    reference: SentName


class BonusEndBody(SentBody, frozen=True, kw_only=True):
    """The body that converts or forfeits a bonus."""

    reference: SentName


class Players:
    """Answers the requests.

    Args:
        ledgers: The ledger of each environment.
        settings: The options of the wallet.
        amounts: Reads and writes amounts.
        facts: Writes down what the events of an order need besides.
        clock: The clock.
    """

    def __init__(
        self,
        ledgers: Mapping[Environment, Ledger],
        settings: WalletSettings,
        amounts: Amounts,
        facts: Facts,
        clock: Clock,
    ) -> None:
        self._ledgers = ledgers
        self._settings = settings
        self._amounts = amounts
        self._facts = facts
        self._clock = clock

    async def open_account(self, request: Request) -> Answer:
        """Open an account in a currency, unless there is one."""

        async def carry(ledger: Ledger, brand: str, body: bytes) -> dict[str, object]:
            sent = read_json(body, PlayerBody)
            self._amounts.read("0", sent.currency)  # a currency that is not known is refused
            self._facts.of(brand, sent.currency)  # so is one without an exchange rate
            return self._shown(await ledger.add_player(brand, sent.player_id, sent.currency))

        return await self._answered(request, carry)

    async def show(self, request: Request) -> Answer:
        """Return all accounts of a player."""

        async def carry(ledger: Ledger, brand: str, _: bytes) -> dict[str, object]:
            player_id = part_of(request, "player_id")
            return await self._of_player(ledger, brand, player_id)

        return await self._answered(request, carry)

    async def freeze(self, request: Request) -> Answer:
        """Take no bets of a player."""
        return await self._freeze(request, frozen=True)

    async def unfreeze(self, request: Request) -> Answer:
        """Take bets of a player again."""
        return await self._freeze(request, frozen=False)

    async def begin_session(self, request: Request) -> Answer:
        """Let a player play a game. Return the session, which the game sends with each callback."""

        async def carry(ledger: Ledger, brand: str, body: bytes) -> dict[str, object]:
            sent = read_json(body, SessionBody)
            begun = PlayedSession(
                session=secrets.token_urlsafe(SESSION_BYTES),
                brand=brand,
                provider=self._provider_of(sent),
                expires_s=self._clock.now_s() + self._settings.session_s,
            )
            await ledger.add_session(begun, sent.player_id, sent.currency)
            return {"session": begun.session, "expires": from_epoch_s(begun.expires_s)}

        return await self._answered(request, carry, status=201)

    async def end_session(self, request: Request) -> Answer:
        """End a session. Return its wins less its bets."""

        async def carry(ledger: Ledger, brand: str, _: bytes) -> dict[str, object]:
            ended = await ledger.end_session(brand, part_of(request, "session"))
            if ended is None:
                raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
            text = self._amounts.write(ended.net_units, ended.currency)
            return {"currency": ended.currency, "net": text}

        return await self._answered(request, carry)

    async def deposit(self, request: Request) -> Answer:
        """Put real money on an account."""

        async def carry(ledger: Ledger, brand: str, body: bytes) -> dict[str, object]:
            sent = read_json(body, DepositBody)
            order = Deposit(
                brand=brand,
                player_id=part_of(request, "player_id"),
                currency=sent.currency,
                amount_units=self._positive(sent.amount, sent.currency),
                reference=sent.reference,
                facts=self._facts.of(brand, sent.currency, vendor_id=sent.vendor_id),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._answered(request, carry)

    async def issue_bonus(self, request: Request) -> Answer:
        """Give a player bonus money."""

        async def carry(ledger: Ledger, brand: str, body: bytes) -> dict[str, object]:
            sent = read_json(body, BonusBody)
            order = BonusIssue(
                brand=brand,
                player_id=part_of(request, "player_id"),
                currency=sent.currency,
                amount_units=self._positive(sent.amount, sent.currency),
                reference=sent.reference,
                facts=self._facts.of(brand, sent.currency),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._answered(request, carry)

    async def convert_bonus(self, request: Request) -> Answer:
        """Turn a bonus into real money."""
        return await self._end_bonus(request, converts=True)

    async def forfeit_bonus(self, request: Request) -> Answer:
        """Take the money of a bonus away."""
        return await self._end_bonus(request, converts=False)

    async def _end_bonus(self, request: Request, *, converts: bool) -> Answer:
        async def carry(ledger: Ledger, brand: str, body: bytes) -> dict[str, object]:
            sent = read_json(body, BonusEndBody)
            text = part_of(request, "bonus_id")
            if not (text.isascii() and text.isdigit() and len(text) < LEDGER_ID_MAX_CHARACTERS):
                raise OrderRefused(LedgerRefusal.BONUS_NOT_FOUND)
            order = BonusEnd(
                brand=brand,
                bonus_id=int(text),
                converts=converts,
                reference=sent.reference,
                facts=self._facts.of(brand, None),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._answered(request, carry)

    async def _freeze(self, request: Request, *, frozen: bool) -> Answer:
        async def carry(ledger: Ledger, brand: str, _: bytes) -> dict[str, object]:
            player_id = part_of(request, "player_id")
            await ledger.freeze(brand, player_id, frozen=frozen)
            return await self._of_player(ledger, brand, player_id)

        return await self._answered(request, carry)

    async def _answered(
        self,
        request: Request,
        carry: Callable[[Ledger, str, bytes], Awaitable[dict[str, object]]],
        status: int = 200,
    ) -> Answer:
        """Carry out a request for the brand of its key.

        Raises:
            Problem: It is refused, or the ledger does not answer in time.
        """
        key = key_of(request)
        body = await request.read_body(BODY_MAX_BYTES)
        with refusals(self._amounts, request.id):
            ledger = self._ledgers.get(key.environment)
            if ledger is None:
                raise Problem(403, "no_sandbox", "there is no sandbox for test keys here")
            async with asyncio.timeout(ANSWER_S):
                return Answer(status, msgspec.json.encode(await carry(ledger, key.brand, body)))
        raise AssertionError  # the block has returned or raised

    async def _of_player(self, ledger: Ledger, brand: str, player_id: str) -> dict[str, object]:
        players = await ledger.players(brand, player_id)
        if not players:
            raise OrderRefused(LedgerRefusal.PLAYER_NOT_FOUND)
        return {
            "player_id": player_id,
            "frozen": players[0].frozen,
            "accounts": [self._funds(player) for player in players],
        }

    def _shown(self, player: Player) -> dict[str, object]:
        return {"player_id": player.player_id, "frozen": player.frozen, **self._funds(player)}

    def _funds(self, player: Player) -> dict[str, object]:
        funds = player.funds
        held = self._amounts.write(funds.held_units, funds.currency)
        return {**funds_fields(self._amounts, funds), "held": held}

    def _positive(self, text: str, currency: str) -> int:
        units = self._amounts.read(text, currency)
        if not units:
            raise bad_request("amount: expected more than 0", amount=True)
        return units

    def _provider_of(self, sent: SessionBody) -> str:
        """Return the provider of a session: the one that is named, or the only one.

        Raises:
            Problem: 422: the provider is not known.
        """
        known = sorted(self._settings.providers)
        if sent.provider is None and len(known) == 1:
            return known[0]
        if sent.provider is None or sent.provider not in known:
            raise bad_request(f"provider: expected one of {', '.join(known) or 'none'}")
        return sent.provider


LEDGER_ID_MAX_CHARACTERS: Final = 19
"""A longer number is none of a ledger's."""
