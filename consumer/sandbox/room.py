"""Puts the sandbox together: the test games, their keys, and the pages in front of them.

The public port loads this only if the configuration has the tables `[wallet]` and `[sandbox]`.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.errors import Unavailable
from consumer.http.page import IMAGE, SCRIPT, STYLE, PageFolder
from consumer.ledger.games import LedgerGames, ListedGame
from consumer.options.address import url_of
from consumer.sandbox.books import SandboxBooks, books_endpoint
from consumer.sandbox.door import WalletDoor
from consumer.sandbox.game_endpoints import GamePages, sandbox_game_endpoints
from consumer.sandbox.game_server import GameServer
from consumer.sandbox.games.offered import OFFERED
from consumer.sandbox.keys import make_keys
from consumer.sandbox.lobby import SandboxLobby, lobby_endpoints
from consumer.wallet.games import SESSION_PLACE
from consumer.wallet.settings import SANDBOX_PROVIDER, ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.http.endpoint import Endpoint
    from consumer.http.settings import HttpSettings
    from consumer.operations.metrics import Metrics
    from consumer.sandbox.games.base import SandboxGame
    from consumer.wallet.room import Wallet
    from consumer.wallet.settings import WalletSettings

PAGES: Final = files("consumer.sandbox") / "pages"
TYPES: Final = {"js": SCRIPT, "css": STYLE, "svg": IMAGE}
LIST_AGAIN_S: Final = 1.0
"""How long to wait for the ledger, in seconds, before the games are put on its list again."""


class Sandbox:
    """The sandbox of a process.

    Args:
        http: The options of the public port.
        url: The address of the public port as browsers reach it. None means that of `bind`.
        wallet: The wallet.
        settings: The options of `[wallet]`, with the provider of the test games.
        metrics: Where the callbacks are counted.
    """

    def __init__(
        self,
        http: HttpSettings,
        url: str | None,
        wallet: Wallet,
        settings: WalletSettings,
        metrics: Metrics,
    ) -> None:
        url = (url or url_of(http.bind, is_tls=http.tls is not None)).rstrip("/")
        brands = settings.brands
        keys = make_keys(brands, SYSTEM_CLOCK.now_s())
        self._ledger = wallet.ledger_of(Environment.TEST)
        games = OFFERED.values()
        self._games = [listed(url, brand, game) for brand in brands for game in games]
        self._door = WalletDoor(http, wallet, settings, keys.public, metrics, SYSTEM_CLOCK)
        self._server = GameServer(self._door.target, keys.signers)
        books = SandboxBooks(self._ledger, wallet.amounts, SYSTEM_CLOCK)
        self._endpoints = (
            *_pages(),
            *sandbox_game_endpoints(GamePages(self._server, books.check_session)),
            books_endpoint(books),
            *lobby_endpoints(SandboxLobby(brands, wallet.amounts)),
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What browsers ask for."""
        return self._endpoints

    async def run(self) -> None:
        """Play rounds until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._list_games(), name="test games on the list")
            group.create_task(self._door.run(), name="wallet of test games")
            group.create_task(self._server.run(), name="test games")

    def close(self) -> None:
        """Take no more requests, and answer those that wait."""
        self._server.close()

    async def _list_games(self) -> None:
        """Put the test games on the list of each brand, as soon as the ledger is open."""
        while True:
            try:
                for game in self._games:
                    await LedgerGames(self._ledger).put(game)
            except Unavailable:  # `/readyz/wallet` says so
                await asyncio.sleep(LIST_AGAIN_S)
            else:
                return


def with_test_games(
    http: HttpSettings,
    url: str | None,
    settings: WalletSettings,
    metrics: Metrics,
    make_wallet: Callable[[WalletSettings], Wallet],
) -> tuple[Wallet, Sandbox]:
    """Return a wallet that has the provider of the test games, and the sandbox.

    Args:
        http: The options of the public port.
        url: See `Sandbox`.
        settings: The options of `[wallet]`.
        metrics: Where callbacks are counted.
        make_wallet: Makes the wallet of its options.
    """
    providers = {**settings.providers, SANDBOX_PROVIDER: ProviderSettings()}
    settings = msgspec.structs.replace(settings, providers=providers)
    wallet = make_wallet(settings)
    return wallet, Sandbox(http, url, wallet, settings, metrics)


def listed(url: str, brand: str, game: SandboxGame) -> ListedGame:
    """Return a test game as it stands on the list of a brand."""
    page = f"{url}/sandbox/games/{game.game_id}?brand={brand}&session={SESSION_PLACE}"
    return ListedGame(brand, SANDBOX_PROVIDER, game.game_id, game.name, game.type, page)


def _pages() -> tuple[Endpoint, ...]:
    """Return the endpoints of the pages and their files."""
    folder = PageFolder(PAGES, "/sandbox/files", "sandbox")
    names = sorted(one.name for one in PAGES.iterdir())
    types = {
        name: (name, TYPES[ending])
        for name in names
        if (ending := name.rpartition(".")[2]) in TYPES
    }
    return (
        folder.page("sandbox", "/sandbox", "Show the sandbox as a page", "lobby.html"),
        *(
            folder.page(
                f"sandbox_{game_id}",
                f"/sandbox/games/{game_id}",
                f"Play the {game_id} as a page",
                f"{game_id}.html",
            )
            for game_id in OFFERED
        ),
        folder.files(types, "/sandbox"),
    )
