"""Lists the questions of `consumer check`, in the order of the daemon's start.

Each question has a deadline.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from consumer.cli.check import parts, port, streams, wallet
from consumer.cli.check.answer import PartAnswer
from consumer.config.sandbox import sandbox_of
from consumer.deliveries.origin import Environment
from consumer.errors import ConfigError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from consumer.config.load import Config

    Question = Callable[[], Awaitable[PartAnswer]]

DEADLINE_S: Final = 20.0
"""The deadline for the answer of one part, in seconds. It is longer than the deadlines inside the
parts, because their error texts say more."""


def checks(config: Config, *, listeners: bool, opens: bool) -> Iterator[tuple[str, Question]]:
    """Yield the name and the question of each part.

    Args:
        config: The configuration.
        listeners: If true, each listener is asked too.
        opens: If true, each listener is opened and closed again. If false, its source is only
            looked at.
    """
    questions: list[tuple[str, Question]] = [
        ("store", partial(parts.store, config)),
        ("sink", partial(streams.sink, config)),
        ("dead letters", partial(streams.dead_letters, config)),
    ]
    if config.http is not None:
        questions += [
            ("keys", partial(port.keys, config)),
            ("public port", partial(port.public_port, config, config.http)),
        ]
    if config.wallet is not None:
        asks = partial(wallet.ledger, config.wallet, Environment.LIVE)
        questions.append(("wallet ledger", asks))
    sandbox = sandbox_of(config)
    if sandbox is not None:  # it has the store, the server and the port of the live side
        questions += [
            ("sandbox sink", partial(streams.sink, sandbox)),
            ("sandbox dead letters", partial(streams.dead_letters, sandbox)),
        ]
    if sandbox is not None and config.wallet is not None:
        asks = partial(wallet.ledger, config.wallet, Environment.TEST)
        questions.append(("sandbox ledger", asks))
    if listeners:
        questions += [
            (f"listener {name}", partial(parts.listener, config, name, opens=opens))
            for name in config.listeners
        ]
    for name, ask in questions:
        yield name, partial(_bounded, ask)


async def _bounded(ask: Question) -> PartAnswer:
    """Await an answer. No answer in time, and a part that is away, become answers too."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await ask()
    except TimeoutError:
        return PartAnswer(ok=False, text=f"no answer within {DEADLINE_S:g} s")
    except (Unavailable, ConfigError) as error:
        return PartAnswer(ok=False, text=str(error))
