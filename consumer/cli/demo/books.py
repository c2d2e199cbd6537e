"""Counts what the brand of a demo sent, what the daemon counted, and what the streams hold.

These counts are the books of the demo. The streams are read to the last event, because the daemon's
own counters do not prove that an event is in the stream.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from consumer.errors import Reason
from consumer.events import envelope
from consumer.listeners.nats.listener import NatsListenerSettings
from consumer.nats.connection import connected
from consumer.nats.follow import FIRST, following
from consumer.tools.embedded.sample_config import POSTED_LISTENER
from consumer.tools.sample.generate import Intent, SentCounts
from consumer.tools.sample.registry import RECIPES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from nats.aio.client import Client

    from consumer.config.load import Config
    from consumer.operations.metrics import Metrics
    from consumer.tools.sample.generate import Sample


class BrandBooks(SentCounts):
    """What the sample brand sent.

    Attributes:
        identities: The message type and the identity of each event that is not a duplicate.
        posted_count: The number of messages that were posted over HTTP.
    """

    def __init__(self) -> None:
        super().__init__()
        self.identities: set[tuple[str, str]] = set()
        self.posted_count = 0

    def add(self, samples: Sequence[Sample]) -> None:
        """Count some samples, and note their identities."""
        super().add(samples)
        self.identities.update(
            sample.identity for sample in samples if sample.intent is Intent.EVENT
        )


class DaemonBooks(msgspec.Struct, frozen=True):
    """The daemon's own counters, summed over all listeners.

    Attributes:
        received_count: The number of messages that were taken in.
        posted_count: How many of them were posted over HTTP.
        forwarded_count: The number of events that the sink stored.
        duplicates_count: The number of messages that were dropped as duplicates.
        dead_letters_count: The number of messages that became dead letters.
        in_flight_count: The number of messages that were taken in and are not concluded.
    """

    received_count: int
    posted_count: int
    forwarded_count: int
    duplicates_count: int
    dead_letters_count: int
    in_flight_count: int


class StreamBooks(msgspec.Struct, frozen=True):
    """What the streams hold.

    Attributes:
        times_stored: The number of copies of each event, by message type and identity
            (`Sample.identity`).
        dead_letters: The number of dead letters for each reason.
        unsettled_count: The number of messages that are not settled at the source.
    """

    times_stored: Counter[tuple[str, str]]
    dead_letters: Counter[Reason]
    unsettled_count: int


def read_counters(metrics: Metrics) -> DaemonBooks:
    """Read the daemon's counters."""
    sums: Counter[str] = Counter()
    of_posted: Counter[str] = Counter()
    for family in metrics.registry.collect():
        for labelled in family.samples:
            count = int(labelled.value) if labelled.value > 0 else 0
            sums[labelled.name] += count
            if labelled.labels.get("listener") == POSTED_LISTENER:
                of_posted[labelled.name] += count
    return DaemonBooks(
        received_count=sums["consumer_received_total"],
        posted_count=of_posted["consumer_received_total"],
        forwarded_count=sums["consumer_forwarded_total"],
        duplicates_count=sums["consumer_duplicates_total"],
        dead_letters_count=sums["consumer_dead_letters_total"],
        in_flight_count=sums["consumer_in_flight"],
    )


def imbalances(brand: BrandBooks, daemon: DaemonBooks, streams: StreamBooks) -> list[str]:
    """Return a line for each count that is not as expected. Empty means that the books balance."""
    concluded_count = (
        daemon.forwarded_count
        + daemon.duplicates_count
        + daemon.dead_letters_count
        + daemon.in_flight_count
    )
    stored = set(streams.times_stored)
    expected = {
        "events lost": (len(brand.identities - stored), 0),
        "events twice in the stream": (streams.times_stored.total() - len(stored), 0),
        "events in the stream that nobody sent": (len(stored - brand.identities), 0),
        **{
            f"dead letters in the stream, {reason}": (
                streams.dead_letters[reason],
                brand.by_reason[reason],
            )
            for reason in sorted({*streams.dead_letters, *brand.by_reason})
        },
        "messages not settled at the source": (streams.unsettled_count, 0),
        "deliveries in flight": (daemon.in_flight_count, 0),
        "deliveries concluded": (concluded_count, daemon.received_count),
        "messages posted": (daemon.posted_count, brand.posted_count),
        "events forwarded": (daemon.forwarded_count, brand.by_intent[Intent.EVENT]),
        "dead letters counted": (daemon.dead_letters_count, brand.by_intent[Intent.BROKEN]),
    }
    return [
        f"{what}: {found_count}, expected {wanted_count}"
        for what, (found_count, wanted_count) in expected.items()
        if found_count != wanted_count
    ]


async def read_streams(config: Config, listener: str) -> StreamBooks:
    """Read the streams of events and dead letters, and count what is not settled at the source.

    Args:
        config: The configuration of the demo.
        listener: The name of the demo's listener on NATS.

    Raises:
        Unavailable: The server is away.
    """
    source = config.listeners[listener]
    if not isinstance(source, NatsListenerSettings):
        raise TypeError("this listener is not on NATS")
    async with connected(config.sink, name="consumer demo") as client:
        dead_letters = await _dead_letters(client, config.dead_letters.stream)
        info = await client.jetstream().consumer_info(source.stream or "", source.durable)
        times_stored = Counter(
            [identity async for identity in _identities(client, config.sink.stream)]
        )
        unsettled_count = (info.num_pending or 0) + (info.num_ack_pending or 0)
        return StreamBooks(times_stored, dead_letters, unsettled_count)


async def _dead_letters(client: Client, stream: str) -> Counter[Reason]:
    """Count the dead letters by reason, which is the last token of their subject."""
    info = await client.jetstream().stream_info(stream, subjects_filter=">")
    by_reason: Counter[Reason] = Counter()
    for subject, letters_count in (info.state.subjects or {}).items():
        by_reason[Reason(subject.rpartition(".")[2])] += letters_count
    return by_reason


async def _identities(client: Client, stream: str) -> AsyncIterator[tuple[str, str]]:
    """Yield the message type and the identity of each event of a stream."""
    async with following(client, FIRST, stream=stream) as reader:
        async for message in reader.stored():
            yield _identity(envelope.read(message.data))


def _identity(event: envelope.Envelope) -> tuple[str, str]:
    name = event.message_type.upper()
    recipe = RECIPES[name]
    if recipe.identity_is_id:
        return name, event.id
    # The id is a hash, so the event is recognised by its data.
    return name, recipe.identity(msgspec.json.decode(event.data, type=dict[str, object]))
