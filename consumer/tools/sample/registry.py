"""All samples, by message type. A new type is one more word here and nothing elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.sample.families import (
    bonus,
    casino,
    custom,
    game,
    lottery,
    payment,
    player,
    poker,
    sportsbook,
)

if TYPE_CHECKING:
    from consumer.tools.sample.base import SampleType

SAMPLES: Final[dict[str, SampleType]] = {
    kind.name: kind
    for kind in (
        casino.casino,
        game.game_round,
        game.game,
        payment.payment,
        payment.user_balances_update,
        bonus.bonus,
        sportsbook.sportsbook,
        lottery.lottery_v2,
        lottery.lottery,
        lottery.cart,
        poker.cash_buy_in,
        poker.cash_out,
        poker.tournament_buy_in,
        poker.tournament_cash_out,
        player.login,
        player.user_create,
        player.user_update,
        player.user_block,
        player.user_consents,
        player.user_tag,
        player.user_migration,
        player.user_migration_approve,
        custom.custom,
        custom.it_ping,
    )
}
