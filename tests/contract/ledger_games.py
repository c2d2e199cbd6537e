"""What every ledger does with the list of games."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.games import LedgerGames, ListedGame
from tests.support.ledger_table import bet

if TYPE_CHECKING:
    from consumer.ledger.shown import OutboxRow
    from tests.support.ledger_table import Table


class LedgerGameRules:
    """The part of the suite."""

    async def test_list_of_games_is_of_one_brand(self, table: Table) -> None:
        """A brand cannot take the games of another brand away."""
        await table.list_game("h", brand="c")
        await table.ask(bet("t", 1))
        assert await LedgerGames(table.ledger).find("b", "acme", "g") == (True, None)
        assert await LedgerGames(table.ledger).find("c", "acme", "g") == (False, None)

    async def test_games_are_listed_in_pages(self, table: Table) -> None:
        """Sorted by provider and game. A game that is put again is replaced."""
        games, known = LedgerGames(table.ledger), [("acme", "a"), ("acme", "b"), ("zeta", "a")]
        for provider, game_id in reversed(known):
            await games.put(ListedGame("b", provider, game_id, "Old", "Slots"))
            await games.put(ListedGame("b", provider, game_id, "New", "Table", "https://g.example"))
        first = await games.page("b", ("", ""), 2)
        rest = await games.page("b", (first[-1].provider, first[-1].game_id), 2)
        assert [(one.provider, one.game_id) for one in (*first, *rest)] == known
        assert rest[0] == ListedGame("b", "zeta", "a", "New", "Table", "https://g.example")
        assert await games.find("b", "zeta", "a") == (True, rest[0])

    async def test_last_game_that_is_removed_makes_all_good_again(self, table: Table) -> None:
        """As if there had never been a list."""
        await table.list_game("h")
        games = LedgerGames(table.ledger)
        assert await games.remove("b", "acme", "h")
        assert not await games.remove("b", "acme", "h")
        await table.ask(bet("t", 1))

    async def test_outbox_names_a_game_of_the_list(self, table: Table) -> None:
        """Of another game, only its id is known."""
        await table.list_game("h")
        await table.ask(bet("t", 1, game_id="h"))
        rows: list[OutboxRow] = []
        while found := await table.ledger.outbox(1):
            rows += found
            await table.ledger.delete_from_outbox([row.row_id for row in found])
        assert [(row.game_name, row.game_type) for row in rows] == [
            (None, None),
            ("Book of Sun", "Slots"),
        ]
