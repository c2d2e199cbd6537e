"""What every ledger knows of its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.sessions import LedgerSessions, SeatedPlayer
from consumer.ledger.shown import PlayedSession
from tests.support.ledger_table import FOR_EVER_S, bet

if TYPE_CHECKING:
    from tests.support.ledger_table import Table

NOW_S = 5e9
"""Later than the end of the session that the fixture begins."""


async def begin(table: Table, session: str, *, ends_s: float, provider: str = "acme") -> None:
    """Let player `p` play a game that has the name of the session."""
    begun = PlayedSession(
        session=session, brand="b", provider=provider, expires_s=ends_s, game_id=f"game-{session}"
    )
    await table.ledger.add_session(begun, "p", "EUR")


class LedgerSessionRules:
    """A part of the suite."""

    async def test_a_session_knows_its_player_and_its_game(self, table: Table) -> None:
        """Some providers name neither in their callbacks."""
        await begin(table, "one", ends_s=NOW_S + 1)
        sessions = LedgerSessions(table.ledger)
        found = await sessions.find("b", "acme", "one", NOW_S)
        assert found == SeatedPlayer("one", "p", "EUR", "game-one", is_over=False)

    async def test_a_session_is_known_after_its_end(self, table: Table) -> None:
        """Wins and rollbacks still come. It ends by its time, or because the brand ends it."""
        await begin(table, "one", ends_s=NOW_S)
        await begin(table, "two", ends_s=NOW_S + 1)
        await table.ledger.end_session("b", "two")
        sessions = LedgerSessions(table.ledger)
        found = [await sessions.find("b", "acme", name, NOW_S) for name in ("one", "two")]
        assert [seat and seat.is_over for seat in found] == [True, True]

    async def test_another_brand_or_provider_finds_no_session(self, table: Table) -> None:
        """Whoever has one key must not look into other brands."""
        await begin(table, "one", ends_s=NOW_S + 1)
        sessions = LedgerSessions(table.ledger)
        assert await sessions.find("c", "acme", "one", NOW_S) is None
        assert await sessions.find("b", "other", "one", NOW_S) is None
        assert await sessions.newest("c", "acme", "p", NOW_S) is None
        assert await sessions.newest("b", "other", "p", NOW_S) is None

    async def test_the_newest_session_of_a_player_is_found(self, table: Table) -> None:
        """A provider that names only the player means the game that was opened last."""
        await begin(table, "one", ends_s=NOW_S + 10)
        await begin(table, "two", ends_s=NOW_S + 20)
        await begin(table, "elsewhere", ends_s=NOW_S + 30, provider="other")
        found = await LedgerSessions(table.ledger).newest("b", "acme", "p", NOW_S)
        assert found == SeatedPlayer("two", "p", "EUR", "game-two", is_over=False)

    async def test_an_open_session_comes_before_one_that_ended(self, table: Table) -> None:
        """Whichever of them would end last. If none is open, that one is found."""
        await begin(table, "one", ends_s=NOW_S + 10)
        await begin(table, "two", ends_s=NOW_S + 20)
        await table.ledger.end_session("b", "two")
        sessions = LedgerSessions(table.ledger)
        found = [await sessions.newest("b", "acme", "p", NOW_S + late_s) for late_s in (0, 10)]
        assert [seat and seat.session for seat in found] == ["one", "two"]

    async def test_the_session_of_a_round_is_found(self, table: Table) -> None:
        """A win belongs to the game of its bet, also if the player has opened another game."""
        for number in ("one", "two"):
            await begin(table, number, ends_s=2 * FOR_EVER_S)
        place = {"session": "one", "game_id": "game-one"}
        await table.ask(bet("t", 1, round_id="r-one", **place))
        sessions = LedgerSessions(table.ledger)
        found = await sessions.of_round("b", "acme", "p", "r-one", NOW_S)
        assert found is not None
        assert (found.session, found.game_id) == ("one", "game-one")
        for asked in (("c", "acme", "p", "r-one"), ("b", "other", "p", "r-one"),
                      ("b", "acme", "q", "r-one"), ("b", "acme", "p", "r-two")):  # fmt: skip
            assert await sessions.of_round(*asked, NOW_S) is None
