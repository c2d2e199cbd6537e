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
from consumer.options.address import reachable
from consumer.sandbox.books import SandboxBooks, books_endpoint
from consumer.sandbox.game_endpoints import GamePages, sandbox_game_endpoints
from consumer.sandbox.game_server import GameServer
from consumer.sandbox.games.offered import OFFERED
from consumer.sandbox.keys import make_keys
from consumer.sandbox.lobby import SandboxLobby, lobby_endpoints
from consumer.tools.sample.http_connection import target_of, trusting_only
from consumer.wallet.games import SESSION_PLACE
from consumer.wallet.settings import SANDBOX_PROVIDER, ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.http.endpoint import Endpoint
    from consumer.http.settings import HttpSettings
    from consumer.ledger.shown import ProviderKey
    from consumer.sandbox.games.base import SandboxGame
    from consumer.sandbox.keys import SandboxKeys
    from consumer.tools.sample.http_connection import HttpTarget
    from consumer.wallet.room import Wallet
    from consumer.wallet.settings import WalletBrandSettings, WalletSettings

PAGES: Final = files("consumer.sandbox") / "pages"
TYPES: Final = {"js": SCRIPT, "css": STYLE, "svg": IMAGE}
LIST_AGAIN_S: Final = 1.0
"""How long to wait for the ledger, in seconds, before the games are put on its list again."""


class Sandbox:
    """The sandbox of a process.

    Args:
        http: The options of the public port.
        url: The address of the public port as browsers reach it. None means that of `bind`.
        keys: The keys of the test games, which the wallet knows.
        wallet: The wallet.
        brands: The brands that have a wallet.
    """

    def __init__(
        self,
        http: HttpSettings,
        url: str | None,
        keys: SandboxKeys,
        wallet: Wallet,
        brands: Mapping[str, WalletBrandSettings],
    ) -> None:
        url = (url or own_url(http)).rstrip("/")
        self._ledger = wallet.ledger_of(Environment.TEST)
        games = OFFERED.values()
        self._games = [listed(url, brand, game) for brand in brands for game in games]
        self._server = GameServer(_target(http, url), keys.signers)
        self._endpoints = (
            *_pages(),
            *sandbox_game_endpoints(GamePages(self._server)),
            books_endpoint(SandboxBooks(self._ledger, wallet.amounts, SYSTEM_CLOCK)),
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
            group.create_task(self._server.run(), name="test games")

    def close(self) -> None:
        """Take no more requests."""
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
    make_wallet: Callable[[WalletSettings, Mapping[str, ProviderKey]], Wallet],
) -> tuple[Wallet, Sandbox]:
    """Return a wallet that knows the provider of the test games, and the sandbox.

    Args:
        http: The options of the public port.
        url: See `Sandbox`.
        settings: The options of `[wallet]`.
        make_wallet: Makes the wallet, of its options and of the keys of the test games.
    """
    keys = make_keys(settings.brands, SYSTEM_CLOCK.now_s())
    providers = {**settings.providers, SANDBOX_PROVIDER: ProviderSettings()}
    wallet = make_wallet(msgspec.structs.replace(settings, providers=providers), keys.public)
    return wallet, Sandbox(http, url, keys, wallet, settings.brands)


def listed(url: str, brand: str, game: SandboxGame) -> ListedGame:
    """Return a test game as it stands on the list of a brand."""
    page = f"{url}/sandbox/games/{game.game_id}?brand={brand}&session={SESSION_PLACE}"
    return ListedGame(brand, SANDBOX_PROVIDER, game.game_id, game.name, game.type, page)


def own_url(http: HttpSettings) -> str:
    """Return the address of a public port for somebody on the same machine."""
    return f"{'http' if http.tls is None else 'https'}://{reachable(http.bind)}"


def _target(http: HttpSettings, url: str) -> HttpTarget:
    """Return where this very process takes callbacks: no other one knows the games' keys."""
    if http.bind.startswith("fd:"):
        return target_of(url)
    context = None if http.tls is None else trusting_only(http.tls.cert_file)
    return target_of(own_url(http), context)


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
