"""Opens a port for the test games: the native callbacks, for test money alone.

It listens on the loopback interface, at any free port, without TLS. So the test games reach the
wallet of their own process whatever the public port is bound to, behind whatever proxy, with
whatever certificate. Their keys are good here and nowhere else. Their connections take no place of
the public port's, and its drain does not cut them off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.gate import Gate
from consumer.access.keyring import Keyring
from consumer.deliveries.origin import Environment
from consumer.errors import Unavailable
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.http.server import Server
from consumer.operations.metrics import Metrics
from consumer.tools.sample.http_connection import HttpTarget
from consumer.wallet.callbacks import Callbacks
from consumer.wallet.callers import Callers
from consumer.wallet.endpoints import callback_endpoints
from consumer.wallet.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.clock import Clock
    from consumer.http.settings import HttpSettings
    from consumer.ledger.shown import ProviderKey
    from consumer.wallet.room import Wallet
    from consumer.wallet.settings import WalletSettings

HOST: Final = "127.0.0.1"


class WalletDoor:
    """The port of the test games.

    Args:
        http: The options of the public port, of which the limits hold here too.
        wallet: The wallet.
        settings: The options of `[wallet]`, with the provider of the test games.
        keys: The keys of the test games, by their ids.
        metrics: Where the callbacks are counted.
        clock: The clock.
    """

    def __init__(
        self,
        http: HttpSettings,
        wallet: Wallet,
        settings: WalletSettings,
        keys: Mapping[str, ProviderKey],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        ledgers = {Environment.TEST: wallet.ledger_of(Environment.TEST)}
        callers = Callers(ledgers, settings, clock, keys)
        callbacks = Callbacks(ledgers, callers, wallet.amounts, Facts(settings), metrics)
        # What HTTP counts here is of nobody's interest, and would mix with the public port's.
        own = Metrics()
        application = HttpApplication(
            callback_endpoints(callbacks),
            Gate(Keyring(), own, environments=(Environment.TEST,), events_per_s={}),
            ClientAddress(()),
            Cors(()),
            own,
        )
        private = msgspec.structs.replace(
            http,
            bind=f"{HOST}:0",
            tls=None,
            trusted_proxies=(),
            max_connections_per_address_count=http.max_connections_count,
        )
        self._server = Server(private, application, own)
        self._target: HttpTarget | None = None

    def target(self) -> HttpTarget:
        """Return the address.

        Raises:
            Unavailable: The port is not open.
        """
        if self._target is None:
            raise Unavailable("the test games have not begun")
        return self._target

    async def run(self) -> None:
        """Serve until this is cancelled."""
        self._server.take()
        self._target = HttpTarget(HOST, self._server.port)
        try:
            await self._server.run()
        finally:
            self._target = None
