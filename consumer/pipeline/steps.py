"""Holds the steps that every batch of one lane takes."""

from __future__ import annotations

import msgspec

from consumer.pipeline.books import LaneBooks
from consumer.pipeline.claim import Claimer
from consumer.pipeline.decode import Decoder
from consumer.pipeline.deliver import Deliverer
from consumer.pipeline.flood import FloodGuard


class Steps(msgspec.Struct, frozen=True):
    """One lane's steps, in the order in which a batch takes them. `lanes/wire.py` makes them.

    Attributes:
        decoder: Turns bytes into events.
        guard: Stops a listener that takes in too many broken deliveries.
        claimer: Finds repetitions, and marks identities as done.
        deliverer: Publishes events and dead letters.
        books: The lane's metrics.
    """

    decoder: Decoder
    guard: FloodGuard
    claimer: Claimer
    deliverer: Deliverer
    books: LaneBooks
