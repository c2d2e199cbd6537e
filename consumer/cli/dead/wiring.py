"""Opens the steps of the pipeline for a replay, as the daemon does."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import click

from consumer.app import make_dead_letter_sink, make_sink, make_store, old_after_s
from consumer.clock import SYSTEM_CLOCK
from consumer.dead_letters.stream import DeadLetters
from consumer.errors import StoreUnavailable
from consumer.listeners.base import ListenerSettings
from consumer.operations.health import Health
from consumer.operations.log import LogSettings, configure
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import keep_open
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.pipeline.claim import Claimer
from consumer.pipeline.decode import Decoder
from consumer.pipeline.dedupe import Ledger
from consumer.pipeline.deliver import Deliverer
from consumer.pipeline.route import Router
from consumer.retry import Backoff
from consumer.tools.replay.replay import Replayer, letter_again

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.config.load import Config
    from consumer.stores.base import Store
    from consumer.tools.replay.read import LetterReader

LANE: Final = "dead letters"
OPEN_LOOK_EVERY_S: Final = 0.02


@contextlib.asynccontextmanager
async def open_replayer(config: Config, reader: LetterReader) -> AsyncIterator[Replayer]:
    """Open store and sinks, as the daemon does, for the time of the block."""
    configure(LogSettings(format="console", level="warning"))
    health, store = Health(), make_store(config)
    sink, letters = make_sink(config), make_dead_letter_sink(config)
    books = LaneBooks(Metrics(), LANE)
    patience = Patience(LANE, health, books)
    deliverer = Deliverer(
        sink,
        DeadLetters(letters, config.dead_letters, lambda: letters.client.jetstream()),  # noqa: PLW0108  # another client later
        Router(config.sink.subject_prefix, config.routes),
        patience,
        letter_again,
    )
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for part in (store, sink, letters):
            stack.push_async_callback(part.close)
        keeping = [
            group.create_task(keep_open(name, part, health), name=name)
            for name, part in (("sink", sink), ("dead_letters", letters))
        ]
        try:
            await _open(store)
            while not (sink.max_message_bytes and letters.max_message_bytes):  # noqa: ASYNC110  # `keep_open` tells nobody
                await asyncio.sleep(OPEN_LOOK_EVERY_S)
            yield Replayer(
                reader,
                decoders(config),
                Claimer(
                    Ledger(store, patience),
                    books,
                    old_after_s=old_after_s(config),
                    shadow=config.dedupe.mode == "shadow",
                ),
                deliverer,
                SYSTEM_CLOCK,
            )
        finally:
            for task in keeping:
                task.cancel()


async def _open(store: Store) -> None:
    backoff, told = Backoff(first_s=0.2, longest_s=5.0), ""
    while True:
        try:
            await store.open()
        except StoreUnavailable as error:
            if told != str(error):
                click.echo(f"consumer: waiting for the store: {error}", err=True)
            told = str(error)
            await asyncio.sleep(backoff.next_s())
        else:
            return


def decoders(config: Config) -> Callable[[str, str], Decoder]:
    """Return what finds the decoder of a listener's letters, as it is configured now."""
    known: dict[tuple[str, str], Decoder] = {}

    def decoder_of(listener: str, brand: str) -> Decoder:
        decoder = known.get((listener, brand))
        if decoder is None:
            # A listener that is configured no more: as a new one would be.
            settings = config.listeners.get(listener) or ListenerSettings(kind="")
            decoder = known[listener, brand] = Decoder(
                brand,
                config.dedupe,
                strict=settings.validation == "strict",
                max_decoded_bytes=settings.max_decoded_bytes,
            )
        return decoder

    return decoder_of
