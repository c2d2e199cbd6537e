"""The steps that every delivery takes, made for one lane."""

from __future__ import annotations

import msgspec

from consumer.pipeline.books import LaneBooks
from consumer.pipeline.claim import Claimer
from consumer.pipeline.decode import Decoder
from consumer.pipeline.deliver import Deliverer
from consumer.pipeline.flood import FloodGuard


class Steps(msgspec.Struct, frozen=True):
    """One lane's steps, in the order in which a batch meets them; `lanes/wire.py` makes them.

    Attributes:
        decoder: Bytes to events.
        guard: Stops a listener that takes in little but broken deliveries.
        claimer: Finds repetitions, and marks identities as done.
        deliverer: Publishes events and dead letters.
        books: The lane's metrics.
    """

    decoder: Decoder
    guard: FloodGuard
    claimer: Claimer
    deliverer: Deliverer
    books: LaneBooks
