"""Makes the steps of a lane from the configuration. No other module puts them together.

The daemon, a replay and the tests all use this module, so all of them run the same pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.config.wallet import OUTBOX_LISTENERS
from consumer.listeners.base import ListenerSettings
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.pipeline.budget import max_body_bytes
from consumer.pipeline.claim import Claimer
from consumer.pipeline.decode import Decoder
from consumer.pipeline.dedupe import StoreQueue
from consumer.pipeline.deliver import Deliverer
from consumer.pipeline.flood import FloodGuard
from consumer.pipeline.mode import Enforce, Shadow
from consumer.pipeline.owned import OwnedByWallet
from consumer.pipeline.route import Router
from consumer.pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.config.load import Config
    from consumer.dead_letters.record import LetterOf
    from consumer.lanes.outside import Outside

WINDOW_MARGIN_S: Final = 60.0
"""A pending identity counts as old this many seconds before the sink forgets its message id. The
margin is for a publish that is under way at that time."""


class Watched(msgspec.Struct, frozen=True):
    """What a process tells about itself.

    Attributes:
        health: The states of all parts, which `/readyz` shows.
        metrics: The metrics, which `/metrics` shows.
    """

    health: Health
    metrics: Metrics


def make_steps(
    name: str, config: Config, outside: Outside, watched: Watched, letter_of: LetterOf
) -> Steps:
    """Make one lane's steps.

    Args:
        name: The listener's name, for metrics, log and `/readyz`.
        config: The configuration. If it has a listener of this name, the lane has its options.
        outside: Store, sink and dead letters, opened or not.
        watched: The health and the metrics to which the lane reports.
        letter_of: Writes the letter of a delivery that cannot become an event.
    """
    books = LaneBooks(watched.metrics, name)
    patience = Patience(name, watched.health, books.retried)
    mode = Shadow() if config.dedupe.mode == "shadow" else Enforce()
    router = Router(config.sink.subject_prefix, config.routes)
    letters = config.dead_letters

    def sink_bytes() -> int:
        return outside.sink.max_message_bytes

    return Steps(
        make_decoder(config, name, sink_bytes),
        # The wallet's own events come from no sender who could mend them, and no other process
        # would take them.
        FloodGuard(
            1.0 if name in OUTBOX_LISTENERS else letters.max_share, letters.max_share_window_s
        ),
        Claimer(
            StoreQueue(outside.store, patience),
            books,
            mode,
            sink_bytes,
            old_after_s=old_after_s(config),
        ),
        Deliverer(outside.sink, outside.dead_letters, router, mode, patience, letter_of),
        books,
    )


def make_decoder(config: Config, listener: str, sink_bytes: Callable[[], int]) -> Decoder:
    """Make the decoder of what a listener takes in.

    A listener that is not in the configuration any more gets the default options.

    Args:
        config: The configuration.
        listener: The listener's name.
        sink_bytes: Returns the size of the largest message that the sink takes. It is called only
            while the sink is open.
    """
    settings = config.listeners.get(listener) or ListenerSettings(kind="")
    return Decoder(
        config.dedupe,
        strict=settings.validation == "strict",
        limit_bytes=lambda: max_body_bytes(settings.max_decoded_bytes, sink_bytes()),
        unwrap=settings.unwrap,
        types=settings.types,
        owned=owned_by_wallet(config, listener),
    )


def owned_by_wallet(config: Config, listener: str) -> OwnedByWallet | None:
    """Return what a listener must not take in, because only the wallet may send it."""
    if config.wallet is None or listener in OUTBOX_LISTENERS:
        return None
    brands = config.wallet.brands
    return OwnedByWallet({name: brand.owns_vendors for name, brand in brands.items()})


def old_after_s(config: Config) -> float:
    """Return the age from which the sink may have forgotten a message id, in seconds."""
    return max(0.0, config.sink.duplicate_window_s - WINDOW_MARGIN_S)
