"""One body of every message type as the vendor's pages show it, and forms that real senders use.

Each with the subject and the CloudEvents id it must come out with. The ids stand here as text, the
hashes among them too: an id that changes between two releases would let resends through.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec


class Example(msgspec.Struct, frozen=True):
    """One body, and what it must become.

    Attributes:
        name: of the test.
        message_type: as it is sent.
        body: what is sent.
        subject: two tokens, without prefix.
        id: of CloudEvents.
    """

    name: str
    message_type: str
    body: dict[str, Any]
    subject: str
    id: str

    def changed(self, name: str, subject: str = "", id: str = "", /, **changes: Any) -> Example:  # noqa: A002, ANN401  # as the field; any JSON value
        """Return the same with other fields; one set to `...` is left out."""
        body = {key: one for key, one in (self.body | changes).items() if one is not ...}
        name = f"{self.name}: {name}"
        return Example(name, self.message_type, body, subject or self.subject, id or self.id)


def _page(message_type: str, subject: str, id: str, text: str) -> Example:  # noqa: A002  # as the field
    return Example(message_type, message_type, json.loads(text), subject, id)


DAY: Final = "2015-03-02T08:27:58.721607Z"
"""What `2015-03-02T8:27:58.721607Z` of the pages is in strict form."""

CASINO: Final = _page(
    "CASINO",
    "game.bet",
    "6f9619ff-8b86",
    """{"activity_id": "6f9619ff-8b86", "amount": 12.3, "balance_after": 23.4,
    "balance_before": 35.7, "bonus_wager_amount": 0.0, "currency": "EUR", "exchange_rate": 0.1,
    "game_id": "132", "game_name": "Dead or Alive", "game_type": "Slots", "is_round_end": false,
    "locked_wager_amount": 0.0, "origin": "www.brand.com", "round_id": "636",
    "timestamp": "2015-03-02T8:27:58.10Z", "type": "Bet", "user_id": "17", "vendor_id": "12",
    "vendor_name": "NetEnt", "wager_amount": 12.3,
    "meta": {"key1": "value1", "key2": 2, "key3": true}, "status": "Approved"}""",
)
GAME_ROUND: Final = _page(
    "GAME_ROUND",
    "game.round",
    "17:636",
    """{"user_id": "17", "round_id": "636", "game_id": "132", "game_name": "Dead or Alive",
    "game_type": "Slots", "vendor_id": "12", "vendor_name": "NetEnt", "user_currency": "EUR",
    "device_type": "desktop", "timestamp": "2015-03-02T8:27:58.10Z", "origin": "www.brand.com",
    "real_bet_user": 2.5, "real_win_user": 1.5, "bonus_bet_user": 0.0, "bonus_win_user": 0.0,
    "real_bet_base": 0.25, "real_win_base": 0.15, "bonus_bet_base": 0.0, "bonus_win_base": 0.0,
    "meta": {"key1": "value1"}}""",
)
GAME: Final = _page(
    "GAME",
    "game.catalog",
    "4dbb0afe6533982703680601f7bd381e",
    """{"game_id": "132", "is_live": true, "name": "Dead or Alive", "slug": "dead-or-alive",
    "provider": "NetEnt", "category": "Slots", "subcategory": "Video Slots",
    "supported_devices": ["mobile", "desktop", "app", "unknown"],
    "last_modified": "2015-03-02T8:27:58.721607Z", "origin": ["www.brand.com"], "rtp": 96.8}""",
)
PAYMENT: Final = _page(
    "PAYMENT",
    "wallet.deposit_approved",
    "23541:Credit:Approved",
    """{"amount": 100.0, "bonus_code": "", "currency": "EUR", "exchange_rate": 0.1,
    "fee_amount": 0.0, "note": "", "origin": "www.brand.com", "payment_id": "23541",
    "status": "Approved", "timestamp": "2015-03-02T8:27:58.721607Z", "type": "Credit",
    "user_id": "17", "vendor_id": "162", "vendor_name": "Skrill"}""",
)
BALANCES: Final = _page(
    "USER_BALANCES_UPDATE",
    "wallet.balance",
    "17:086090a633734b6c9f85830d498c5e05:2019-07-16T12:00:00.000000Z",
    """{"balances": [
      {"amount": 50.0, "currency": "EUR", "key": "real_money", "exchange_rate": 1.0},
      {"amount": 12.5, "currency": "EUR", "key": "bonus_money", "exchange_rate": 1.0}],
    "origin": "www.brand.com", "timestamp": "2019-07-16T12:00:00Z", "user_id": "17"}""",
)
BONUS: Final = _page(
    "BONUS",
    "bonus.created",
    "9821:Created",
    """{"amount": 50.0, "bonus_code": "WELCOME", "bonus_id": "671", "bonus_turned_real": 0.0,
    "currency": "EUR", "exchange_rate": 0.1, "locked_amount": 0.0, "meta": {"key1": "value1"},
    "origin": "www.brand.com", "product": "Casino", "required_wagering_amount": 1750.0,
    "status": "Created", "timestamp": "2015-03-02T8:27:58.721607Z", "type": "WelcomeBonus",
    "user_bonus_id": "9821", "user_id": "17", "fasttrack_references": {"id": 1, "action_id": 2,
      "action_group_id": 3, "action_communication_profile_id": 4, "activity_id": 5,
      "trigger_hash": "6f96", "player_origin_id": "17"}}""",
)
SPORTSBOOK: Final = _page(
    "SPORTSBOOK",
    "sports.bet",
    "a1b2",
    """{"activity_id": "a1b2", "amount": 10.0, "odds": 2.5, "currency": "EUR",
    "exchange_rate": 1.0, "origin": "www.brand.com", "user_id": "17", "status": "Approved",
    "timestamp": "2015-03-02T8:27:58.10Z", "type": "Bet", "bet_type": "Single",
    "balance_before": 35.7, "balance_after": 25.7, "wager_amount": 10.0,
    "bonus_wager_amount": 0.0, "locked_wager_amount": 0.0, "is_cashout": false,
    "device_type": "mobile", "meta": {"key1": "value1"}, "bets": [{"event_name": "Lazio - Roma",
      "match_start": "2015-03-02T8:27:58.10Z", "odds": 2.5, "is_free_bet": false,
      "is_risk_free_bet": false, "is_live": true, "market": "Full Time",
      "sports_name": "Football", "tournament_name": "Serie A", "meta": {"key1": "value1"},
      "outcomes": [{"criterion_name": "Winner", "outcome_label": "Roma", "meta": {"k": 1}}]}]}""",
)
LOTTERY_V2: Final = _page(
    "LOTTERY_V2",
    "lottery.bet",
    "17:5501:810:Bet",
    """{"ticket_id": "5501", "lottery_id": "12", "draw_id": "810", "lottery_name": "EuroJackpot",
    "lottery_type": "Lottery", "draw_date": "2015-03-02T8:27:58.721607+06:00", "currency": "EUR",
    "exchange_rate": 0.1, "amount": 4.0, "origin": "www.brand.com",
    "timestamp": "2015-03-02T8:27:58.721607+06:00", "user_id": "17", "type": "Bet",
    "bonus_code": "", "discount_amount": 0.0, "device_type": "Mobile", "lines": [{"line_id": 1,
      "is_free_bet": false, "numbers": [1, 2, 3, 4, 5], "special_numbers": [6, 7],
      "is_quick_pick": true, "meta": {"key1": "value1"}}]}""",
)
LOTTERY: Final = _page(
    "LOTTERY",
    "lottery.subscription",
    "771:Approved",
    """{"timestamp": "2019-02-18T10:35:03-08:00", "transaction_id": "771", "user_id": "17",
    "amount": 8.0, "account_amount": 6.0, "bonus_amount": 2.0, "bonus_code": "FEB",
    "currency": "EUR", "deposit_amount": 0.0, "exchange_rate": 0.1, "origin": "www.brand.com",
    "status": "Approved", "tickets": [{"ticket_id": "5501", "product": "eurojackpot",
      "product_name": "EuroJackpot", "amount": 8.0, "lines_count": 2,
      "draws": [{"timestamp": "2019-02-22T10:35:03-08:00"}]}]}""",
)
CART: Final = _page(
    "CART",
    "lottery.cart",
    "991:Successful",
    """{"cart_id": 991, "amount": 12.0, "exchange_rate": 0.1, "currency": "EUR",
    "origin": "www.brand.com", "timestamp": "2015-03-02T8:27:58.721607Z", "user_id": "17",
    "status": "Successful", "type": "Checkout", "device_type": "mobile", "discount_amount": 1.0,
    "bonus_code": "", "payments": [{"type": "Wallet", "amount": 5.0, "meta": {"key1": 1}}],
    "items": [{"id": 3, "type": "Lottery", "name": "EuroJackpot", "description": "Two lines",
      "amount": 13.0, "discount_amount": 1.0, "bonus_code": "", "meta": {"key1": "value1"}}]}""",
)
_TABLE: Final = """{"user_id": "1234", "origin": "site.example.com",
    "timestamp": "2025-05-16T14:50:00Z", "table_id": 22, "table_name": "Bern",
    "table_start_time": "2025-05-16T14:00:00Z", "table_min_buy_in": 10, "table_max_buy_in": 100,
    "table_small_blind": 0.5, "table_big_blind": 1, "table_max_seats": 6, "table_ante": 0.02,
    "table_game_format": "NLH", "table_is_fast_fold": false, "currency": "EUR",
    "exchange_rate": 1, "status": "Approved", "meta": {}"""
CASH_BUY_IN: Final = _page(
    "POKER_CASH_GAME_BUY_IN_V2",
    "poker.cash_buy_in",
    "1234:22:Approved:2025-05-16T14:50:00.000000Z",
    f"""{_TABLE}, "buy_in_amount": 20, "bonus_buy_in_amount": 10, "real_buy_in_amount": 10,
    "locked_buy_in_amount": 0}}""",
)
CASH_OUT: Final = _page(
    "POKER_CASH_GAME_CASH_OUT_V2",
    "poker.cash_cash_out",
    "1234:22:Approved:2025-05-16T14:50:00.000000Z",
    _TABLE + "}",
)
_TOURNAMENT: Final = """{"user_id": "1234", "origin": "site.example.com",
    "timestamp": "2025-05-16T14:50:00Z", "tournament_id": 55, "tournament_name": "Sunday",
    "tournament_format": "MTT", "tournament_game_format": "NLH",
    "tournament_start_time": "2025-05-16T15:00:00Z",
    "tournament_late_entry_time": "2025-05-16T16:00:00Z", "tournament_buy_in": 18,
    "tournament_fee": 2, "tournament_guarantee": 1000, "tournament_allow_rebuys": true,
    "tournament_rebuy_allowed_time": "2025-05-16T16:00:00Z", "tournament_blind_type": "Turbo",
    "tournament_starting_blinds": "10/20", "tournament_has_bounty": false,
    "tournament_is_fast_fold": false, "tournament_is_satellite": true,
    "tournament_satellite_to_event_id": 56, "currency": "EUR", "exchange_rate": 1,
    "status": "Approved", "meta": {}"""
TOURNAMENT_BUY_IN: Final = _page(
    "POKER_TOURNAMENT_BUY_IN_V2",
    "poker.tournament_buy_in",
    "1234:55:Approved:2025-05-16T14:50:00.000000Z",
    f"""{_TOURNAMENT}, "is_late_entry": false, "is_rebuy": false, "buy_in_amount": 20,
    "bonus_buy_in_amount": 10, "real_buy_in_amount": 10, "locked_buy_in_amount": 0}}""",
)
TOURNAMENT_CASH_OUT: Final = _page(
    "POKER_TOURNAMENT_CASH_OUT_V2",
    "poker.tournament_cash_out",
    "1234:55:Approved:2025-05-16T14:50:00.000000Z",
    _TOURNAMENT + "}",
)
_THIN: Final = """{"user_id": "17", "timestamp": "2015-03-02T8:27:58.721607Z",
    "origin": "www.brand.com\""""
_THIN_ID: Final = f"17:www.brand.com:{DAY}"
LOGIN: Final = _page(
    "LOGIN_V2",
    "user.login",
    _THIN_ID,
    f"""{_THIN}, "is_impersonated": false, "ip_address": "1.2.3.4", "user_agent": "Mozilla/5.0",
    "is_verified": true, "meta": {{"key1": "value1"}}, "user_details": {{"country": "SE"}}}}""",
)
USER_CREATE: Final = _page(
    "USER_CREATE_V2",
    "user.created",
    _THIN_ID,
    f"""{_THIN}, "note": "", "user_agent": "Mozilla/5.0", "ip_address": "1.2.3.4",
    "url_referer": "https://www.brand.com/landing"}}""",
)
USER_UPDATE: Final = _page("USER_UPDATE_V2", "user.updated", _THIN_ID, _THIN + "}")
USER_BLOCK: Final = _page("USER_BLOCK_V2", "user.blocks", _THIN_ID, _THIN + "}")
USER_CONSENTS: Final = _page("USER_CONSENTS_V2", "user.consents", _THIN_ID, _THIN + "}")
USER_TAG: Final = _page(
    "USER_TAG",
    "user.tags",
    f"17:4b467a64166aa37ab500ba98257fb01d:{DAY}",
    f"""{_THIN}, "tags": "vip,churn-risk"}}""",
)
USER_MIGRATION: Final = _page(
    "USER_MIGRATION", "user.migration", "m-17", f"""{_THIN}, "migration_reference": "m-17"}}"""
)
USER_MIGRATION_APPROVE: Final = _page(
    "USER_MIGRATION_APPROVE", "user.migration_approved", f"17:{DAY}", _THIN + "}"
)
CUSTOM: Final = _page(
    "CUSTOM",
    "custom.event",
    "353ac136538b2b9a4275a7da97d29618",
    f"""{_THIN}, "notification_type": "LEVEL_UP", "data": {{"level": "7", "badge": "gold"}},
    "user_agent": "Mozilla/5.0", "ip_address": "1.2.3.4"}}""",
)
IT_PING: Final = _page("IT_PING", "system.ping", "p-1", f"""{_THIN}, "ping_id": "p-1"}}""")

PAGES: Final = (
    *(CASINO, GAME_ROUND, GAME, PAYMENT, BALANCES, BONUS, SPORTSBOOK, LOTTERY_V2, LOTTERY, CART),
    *(CASH_BUY_IN, CASH_OUT, TOURNAMENT_BUY_IN, TOURNAMENT_CASH_OUT),
    *(LOGIN, USER_CREATE, USER_UPDATE, USER_BLOCK, USER_CONSENTS),
    *(USER_TAG, USER_MIGRATION, USER_MIGRATION_APPROVE, CUSTOM, IT_PING),
)
"""One for each type, with every field of its page that the schema knows."""

_LINES: Final = [{"line_id": 1, "matched_numbers": [1], "is_winning_line": False}]
_LEG: Final = {"event_name": "A - B", "match_start": "2015-03-02T8:27:58.10Z", "odds": 2}

VARIANTS: Final = (
    CASINO.changed("numeric ids", "", "7", activity_id=7, game_id=132, user_id=17, vendor_id=12),
    CASINO.changed("meta is null", "", "c2", activity_id="c2", meta=None),
    CASINO.changed("no status", "", "c3", activity_id="c3", status=...),
    CASINO.changed(
        "the first page's required fields alone",
        "",
        "c4",
        activity_id="c4",
        **dict.fromkeys(("amount", "game_name", "is_round_end", "round_id", "status"), ...),
    ),
    CASINO.changed("tipo", "", "c5", activity_id="c5", tipo="Bet"),
    CASINO.changed("unknown game_type", "", "c6", activity_id="c6", game_type="Holodeck"),
    CASINO.changed("lost round", "game.win", "c7", activity_id="c7", type="Win", amount=0),
    CASINO.changed("Loss", "game.loss", "c8", activity_id="c8", type="Loss"),
    CASINO.changed("lower case", "game.win", "c9", activity_id="c9", type="win"),
    CASINO.changed("crypto", "", "c10", activity_id="c10", currency="USDT", amount=1e-8),
    CASINO.changed("no zone", "", "c11", activity_id="c11", timestamp="2018-02-18 18:13:06"),
    CASINO.changed("sums wrong", "", "c12", activity_id="c12", amount=0.2, wager_amount=0.0),
    CASINO.changed("rollback", "game.rollback", f"{CASINO.id}:rollback", status="Rollback"),
    PAYMENT.changed(
        "numeric ids, negative deposit_count",
        "withdrawal.requested",
        "24:Debit:Requested",
        payment_id=24,
        type="Debit",
        status="Requested",
        deposit_count=-1,
    ),
    PAYMENT.changed(
        "as the schema requires it",
        "",
        "25:Credit:Approved",
        payment_id="25",
        exchange_rate=...,
        fee_amount=...,
        meta=None,
    ),
    BONUS.changed(
        "Autocompleted", "bonus.auto_completed", "9821:AutoCompleted", status="Autocompleted"
    ),
    BONUS.changed("Live Casino", "", "9822:Created", user_bonus_id=9822, product="Live Casino"),
    SPORTSBOOK.changed("no type", "", "s2", activity_id="s2", type=...),
    SPORTSBOOK.changed(
        "no type, but a reference",
        "sports.settlement",
        "s3",
        activity_id="s3",
        activity_id_reference="s2",
        type=...,
    ),
    SPORTSBOOK.changed("no activity_id", "", "4510c683a20660662b21921e895e4748", activity_id=...),
    SPORTSBOOK.changed(
        "oldest page",
        "",
        "s4",
        activity_id="s4",
        bet_type="Combo",
        bets=[_LEG | {"outcome": "A"}, _LEG],
    ),
    LOTTERY_V2.changed(
        "settlement",
        "lottery.settlement",
        "17:5501:810:Settlement",
        type="Settlement",
        draw_numbers=[1, 9],
        lines=_LINES,
        bonus_code=...,
    ),
    LOTTERY_V2.changed(
        "no ids", "", "9ff7e713699e72135871c9ffbbf98eda", ticket_id=..., draw_id=...
    ),
    CART.changed("unkown", "", "992:Successful", cart_id="992", device_type="unkown"),
    CASH_BUY_IN.changed(
        "brand_id, no status",
        "",
        "1234:23:Approved:2025-05-16T14:50:00.000000Z",
        table_id="23",
        brand_id="brand",
        origin=...,
        status=...,
    ),
    CASH_OUT.changed(
        "an amount",
        "",
        "1234:24:Approved:2025-05-16T14:50:00.000000Z",
        table_id=24,
        cash_out_amount=31.5,
    ),
    TOURNAMENT_BUY_IN.changed(
        "rollback",
        "",
        "1234:55:Rollback:2025-05-16T14:50:00.000000Z",
        status="Rollback",
        tournament_game_format="NLHE",
    ),
    TOURNAMENT_BUY_IN.changed(
        "no tournament_id", "", "33f126cdabe33470ed3e2ba8b0e68580", tournament_id=...
    ),
    TOURNAMENT_CASH_OUT.changed(
        "no tournament_id", "", "7ddb757fb6d5e68804febbcbdb2fcbf3", tournament_id=None, status=...
    ),
    CASH_BUY_IN.changed("no table_id", "", "4fe25f9b416037038f5ad8aef347b499", table_id=...),
    CART.changed("an id with a point", "", "993.5:Successful", cart_id=993.5),
    PAYMENT.changed(
        "an id with a point, a count with a fraction",
        "",
        "26:Credit:Approved",
        payment_id=26.0,
        deposit_count=1.5,
    ),
    SPORTSBOOK.changed(
        "what is settled",
        "sports.settlement",
        "s5",
        activity_id="s5",
        type="Settlement",
        reference_bet_amount=10.0,
        reference_bet_real_amount="7.50",
        reference_bet_exchange_rate=1,
    ),
    GAME.changed(
        "origin is text, no name",
        "",
        "6d791b6549bd1a7fd595481e7b54c391",
        origin="www.brand.com",
        name=...,
    ),
    Example(
        "USER_TAGS",
        "USER_TAGS",
        USER_TAG.body | {"tags": "vip"},
        "user.tags",
        f"17:79d5f2bf6410f0d16d12c812606fd044:{DAY}",
    ),
    CUSTOM.changed(
        "values of any kind",
        "",
        "f8e3b18085858b0139dd73d4893223db",
        data={"level": 7, "paid": [1.50]},
    ),
)
"""What the pages contradict each other in, and what is wrong but really sent; all of it passes."""

EXAMPLES: Final = PAGES + VARIANTS
