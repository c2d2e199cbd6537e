"""Makes the events of a transaction: what a brand would have sent, in the same message types.

Each event passes `consumer validate --strict`. It depends on the stored row. Only the name and the
type of the game come from the list of games. So an event that is made a second time has the same
identity and the same deciding fields.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.timestamp import from_epoch_s
from consumer.ledger.facts import read_facts
from consumer.ledger.games import USUAL_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.ledger.amounts import Amounts
    from consumer.ledger.facts import EventFacts
    from consumer.ledger.shown import OutboxRow

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
BONUS_STATUSES: Final = {
    "BONUS_ISSUE": "Created",
    "BONUS_CONVERT": "Completed",
    "BONUS_FORFEIT": "Forfeited",
}

PRODUCTS: Final = {name.lower(): name for name in ("Casino", "Sportsbook", "Lotto", "Poker")}
"""The vendor's spelling of the products."""


class OutgoingEvent(msgspec.Struct, frozen=True):
    """An event before it goes through the pipeline.

    Attributes:
        message_type: The name of its message type.
        body: Its fields, as JSON.
    """

    message_type: str
    body: bytes


class EventMaker:
    """Makes the events of transactions.

    Args:
        amounts: Writes amounts.
    """

    def __init__(self, amounts: Amounts) -> None:
        self._amounts = amounts

    def events_of(self, row: OutboxRow) -> list[OutgoingEvent]:
        """Return the events of a transaction, in order. The last one tells the new balances."""
        facts = read_facts(row.facts)
        events = [*self._told(row, facts), ("USER_BALANCES_UPDATE", self._balances(row, facts))]
        return [OutgoingEvent(name, _encode(fields)) for name, fields in events]

    def _told(self, row: OutboxRow, facts: EventFacts) -> Iterator[tuple[str, dict[str, object]]]:
        if row.kind in BONUS_STATUSES:
            yield "BONUS", self._bonus(row, facts)
        elif row.kind == "DEPOSIT":
            yield "PAYMENT", self._payment(row, facts)
        elif row.kind == "ROLLBACK":
            yield from self._rollback(row, facts)
        else:
            what = "Bet" if row.kind == "BET" else "Win" if row.amount_units else "Loss"
            yield "CASINO", self._casino(row, facts, row.ledger_id, what, self._moved(row))

    def _rollback(
        self, row: OutboxRow, facts: EventFacts
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield an event for what went back, and another if a win went back with its bet."""
        what = "Bet" if row.reversed_kind == "BET" else "Win"
        moved = (row.reversed_real_units or 0, row.reversed_bonus_units or 0)
        back = {"status": "Rollback"}
        number = row.reversed_id or row.ledger_id
        yield "CASINO", self._casino(row, facts, number, what, moved) | back
        if row.pair_id is not None:
            moved = (row.pair_real_units or 0, row.pair_bonus_units or 0)
            yield "CASINO", self._casino(row, facts, row.pair_id, "Win", moved) | back

    @staticmethod
    def _moved(row: OutboxRow) -> tuple[int, int]:
        """Return the real and the bonus part of the amount."""
        if row.kind == "BET":
            return row.real_units, row.bonus_units
        return row.amount_units - row.bonus_units, row.bonus_units

    def _casino(
        self,
        row: OutboxRow,
        facts: EventFacts,
        number: int,
        what: str,
        moved: tuple[int, int],
    ) -> dict[str, object]:
        real_units, bonus_units = abs(moved[0]), abs(moved[1])
        after_units = row.real_after_units + row.bonus_after_units
        before_units = after_units - row.real_units - row.bonus_units
        return {
            "activity_id": f"w-{number}",
            "amount": self._money(real_units + bonus_units, row),
            "wager_amount": self._money(real_units, row),
            "bonus_wager_amount": self._money(bonus_units, row),
            "locked_wager_amount": self._money(0, row),
            "balance_before": self._money(before_units, row),
            "balance_after": self._money(after_units, row),
            **self._common(row, facts),
            "game_id": row.game_id,
            "game_name": row.game_name or row.game_id,
            "game_type": row.game_type or USUAL_TYPE,
            "is_round_end": facts.round_end,
            "round_id": row.round_id,
            "type": what,
            "status": "Approved",
            "vendor_id": row.source,
            "vendor_name": row.source,
        }

    def _payment(self, row: OutboxRow, facts: EventFacts) -> dict[str, object]:
        return {
            "payment_id": f"w-{row.ledger_id}",
            "amount": self._money(row.amount_units, row),
            "bonus_code": "",
            "fee_amount": self._money(0, row),
            "note": row.external_id,
            "status": "Approved",
            "type": "Credit",
            **self._common(row, facts),
            "vendor_id": facts.vendor_id,
            "vendor_name": facts.vendor_id,
        }

    def _bonus(self, row: OutboxRow, facts: EventFacts) -> dict[str, object]:
        is_real = row.kind == "BONUS_CONVERT"
        return {
            "amount": self._money(row.amount_units, row),
            "bonus_code": "",
            "bonus_id": facts.bonus_id,
            "bonus_turned_real": self._money(row.amount_units if is_real else 0, row),
            "locked_amount": self._money(0, row),
            "product": PRODUCTS.get(facts.bonus_product.lower(), facts.bonus_product),
            "required_wagering_amount": self._money(0, row),
            "status": BONUS_STATUSES[row.kind],
            "type": facts.bonus_type,
            "user_bonus_id": f"w-{row.bonus_id or row.ledger_id}",
            **self._common(row, facts),
        }

    def _balances(self, row: OutboxRow, facts: EventFacts) -> dict[str, object]:
        common = self._common(row, facts)
        accounts = {"real_money": row.real_after_units, "bonus_money": row.bonus_after_units}
        rate = common["exchange_rate"]
        return {
            "balances": [
                {
                    "amount": self._money(units, row),
                    "currency": row.currency,
                    "key": key,
                    "exchange_rate": rate,
                }
                for key, units in accounts.items()
            ],
            "origin": facts.origin,
            "timestamp": common["timestamp"],
            "user_id": row.player_id,
        }

    def _common(self, row: OutboxRow, facts: EventFacts) -> Mapping[str, object]:
        return {
            "currency": row.currency,
            "exchange_rate": Decimal(facts.exchange_rates.get(row.currency, "1")),
            "origin": facts.origin,
            "timestamp": from_epoch_s(row.at_us / 1e6),
            "user_id": row.player_id,
        }

    def _money(self, units: int, row: OutboxRow) -> Decimal:
        return Decimal(self._amounts.write(units, row.currency))
