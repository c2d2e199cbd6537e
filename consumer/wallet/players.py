"""Answers what a brand asks of its players' money: accounts, sessions, deposits and bonuses.

The key of a request decides about the brand and the environment. `reference` makes each movement of
money idempotent, so these endpoints take no `Idempotency-Key`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.deliveries.origin import Environment
from consumer.errors import Rejected
from consumer.events.families.balance import USER_BALANCES_UPDATE
from consumer.events.normalise import Normaliser
from consumer.events.timestamp import from_epoch_s
from consumer.http.request import key_of
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.games import LedgerGames
from consumer.ledger.orders import BonusEnd, BonusIssue, Deposit
from consumer.ledger.shown import PlayedSession
from consumer.wallet.bodies import (
    SentBody,
    SentName,
    bad_request,
    part_of,
    read_sent,
)
from consumer.wallet.games import SESSION_PLACE
from consumer.wallet.settings import SANDBOX_PROVIDER
from consumer.wallet.told import booked_fields, funds_fields

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.ledger.base import Ledger
    from consumer.ledger.shown import Player
    from consumer.wallet.desk import BrandDesk
    from consumer.wallet.facts import Facts
    from consumer.wallet.settings import WalletSettings

SESSION_BYTES: Final = 24
"""A session's id is a secret: whoever knows it, and has the provider's key, can play."""


_BALANCES: Final = Normaliser(USER_BALANCES_UPDATE, "", strict=True)


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


def check_player_id(player_id: str) -> None:
    """Refuse an id with which no event could be made, such as `undefined`.

    Raises:
        Problem: 422: The events of this player would all be dead letters.
    """
    sample = {
        "balances": [],
        "origin": "www.brand.example",
        "timestamp": "2026-01-01T00:00:00Z",
        "user_id": player_id,
    }
    try:
        _BALANCES.normalise(msgspec.json.encode(sample), 0.0)
    except Rejected as rejected:
        detail = rejected.detail.replace("user_id", "player_id", 1)
        raise bad_request(detail) from rejected


class Players:
    """Answers the requests.

    Args:
        desk: Finds the ledger and the brand of a request.
        settings: The options of the wallet.
        facts: Writes down what the events of an order need besides.
        clock: The clock.
    """

    def __init__(
        self,
        desk: BrandDesk,
        settings: WalletSettings,
        facts: Facts,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._settings = settings
        self._amounts = desk.amounts
        self._facts = facts
        self._clock = clock

    async def open_account(self, request: Request) -> Answer:
        """Open an account in a currency, unless there is one."""
        sent = await read_sent(request, PlayerBody)

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            self._amounts.read("0", sent.currency)  # a currency that is not known is refused
            self._facts.of(brand, currency=sent.currency)  # so is one without an exchange rate
            check_player_id(sent.player_id)
            return self._shown(await ledger.add_player(brand, sent.player_id, sent.currency))

        return await self._desk.answer(request, carry)

    async def show(self, request: Request) -> Answer:
        """Return all accounts of a player."""

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            player_id = part_of(request, "player_id")
            return await self._of_player(ledger, brand, player_id)

        return await self._desk.answer(request, carry)

    async def freeze(self, request: Request) -> Answer:
        """Take no bets of a player."""
        return await self._freeze(request, frozen=True)

    async def unfreeze(self, request: Request) -> Answer:
        """Take bets of a player again."""
        return await self._freeze(request, frozen=False)

    async def begin_session(self, request: Request) -> Answer:
        """Let a player play a game. Return the session, which the game sends with each callback."""
        sent = await read_sent(request, SessionBody)

        async def carry(ledger: Ledger, brand: str) -> dict[str, str]:
            begun = PlayedSession(
                session=secrets.token_urlsafe(SESSION_BYTES),
                brand=brand,
                provider=self._provider_of(sent, key_of(request).environment),
                expires_s=self._clock.now_s() + self._settings.session_s,
                game_id=sent.game_id,
            )
            games = LedgerGames(ledger)
            may_play, game = await games.find(brand, begun.provider, sent.game_id)
            if not may_play:
                raise OrderRefused(LedgerRefusal.GAME_NOT_FOUND)
            await ledger.add_session(begun, sent.player_id, sent.currency)
            told = {"session": begun.session, "expires": from_epoch_s(begun.expires_s)}
            if game is not None and game.launch_url is not None:
                told["launch_url"] = game.launch_url.replace(SESSION_PLACE, begun.session)
            return told

        return await self._desk.answer(request, carry, status=201)

    async def end_session(self, request: Request) -> Answer:
        """End a session. Return its wins less its bets."""

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            ended = await ledger.end_session(brand, part_of(request, "session"))
            if ended is None:
                raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
            text = self._amounts.write(ended.net_units, ended.currency)
            return {"currency": ended.currency, "net": text}

        return await self._desk.answer(request, carry)

    async def deposit(self, request: Request) -> Answer:
        """Put real money on an account."""
        sent = await read_sent(request, DepositBody)

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            order = Deposit(
                brand=brand,
                player_id=part_of(request, "player_id"),
                currency=sent.currency,
                amount_units=self._positive(sent.amount, sent.currency),
                reference=sent.reference,
                facts=self._facts.of(brand, currency=sent.currency, vendor_id=sent.vendor_id),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._desk.answer(request, carry)

    async def issue_bonus(self, request: Request) -> Answer:
        """Give a player bonus money."""
        sent = await read_sent(request, BonusBody)

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            order = BonusIssue(
                brand=brand,
                player_id=part_of(request, "player_id"),
                currency=sent.currency,
                amount_units=self._positive(sent.amount, sent.currency),
                reference=sent.reference,
                facts=self._facts.of(brand, currency=sent.currency),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._desk.answer(request, carry)

    async def convert_bonus(self, request: Request) -> Answer:
        """Turn a bonus into real money."""
        return await self._end_bonus(request, converts=True)

    async def forfeit_bonus(self, request: Request) -> Answer:
        """Take the money of a bonus away."""
        return await self._end_bonus(request, converts=False)

    async def _end_bonus(self, request: Request, *, converts: bool) -> Answer:
        sent = await read_sent(request, BonusEndBody)

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            text = part_of(request, "bonus_id")
            if not (text.isascii() and text.isdigit() and len(text) < LEDGER_ID_MAX_CHARACTERS):
                raise OrderRefused(LedgerRefusal.BONUS_NOT_FOUND)
            order = BonusEnd(
                brand=brand,
                bonus_id=int(text),
                converts=converts,
                reference=sent.reference,
                facts=self._facts.of(brand),
            )
            return booked_fields(self._amounts, await ledger.operate(order), sent.reference)

        return await self._desk.answer(request, carry)

    async def _freeze(self, request: Request, *, frozen: bool) -> Answer:
        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            player_id = part_of(request, "player_id")
            await ledger.freeze(brand, player_id, frozen=frozen)
            return await self._of_player(ledger, brand, player_id)

        return await self._desk.answer(request, carry)

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

    def _provider_of(self, sent: SessionBody, environment: Environment) -> str:
        """Return the provider of a session: the one that is named, or the only real one.

        The test games are for test keys.

        Raises:
            Problem: 422: the provider is not known.
        """
        real = sorted({*self._settings.providers} - {SANDBOX_PROVIDER})
        known = sorted(self._settings.providers) if environment is Environment.TEST else real
        if sent.provider is None and len(real) == 1:
            return real[0]
        if sent.provider is None or sent.provider not in known:
            raise bad_request(f"provider: expected one of {', '.join(known) or 'none'}")
        return sent.provider


LEDGER_ID_MAX_CHARACTERS: Final = 19
"""A longer number is none of a ledger's."""
