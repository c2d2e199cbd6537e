"""The books of a demo: what the brand sent, what the daemon counted, what the streams hold.

The streams are read to the last event: counters alone would only show that the daemon agrees
with itself.
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
from consumer.tools.sample.generate import Role, Tally
from consumer.tools.sample.registry import SAMPLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from nats.aio.client import Client

    from consumer.config.load import Config
    from consumer.operations.metrics import Metrics
    from consumer.tools.sample.generate import Sample


class Counted(msgspec.Struct, frozen=True):
    """What the daemon's own counters say."""

    received: int
    forwarded: int
    duplicates: int
    dead_letters: int
    in_flight: int


class Found(msgspec.Struct, frozen=True):
    """What the streams hold.

    Attributes:
        events: type and identity of each event (`Sample.identity`), with how often it is there.
        dead_letters: how many, by reason.
        unsettled: messages that the source has not been told the outcome of.
    """

    events: Counter[tuple[str, str]]
    dead_letters: Counter[Reason]
    unsettled: int


class Sent(Tally):
    """What the sample brand sent."""

    def __init__(self) -> None:
        super().__init__()
        self.identities: set[tuple[str, str]] = set()

    def add(self, samples: Sequence[Sample]) -> None:
        """Book some messages."""
        super().add(samples)
        self.identities.update(one.identity for one in samples if one.role is Role.EVENT)


def count(metrics: Metrics) -> Counted:
    """Read the daemon's counters, over all listeners."""
    sums: Counter[str] = Counter()
    for family in metrics.registry.collect():
        for sample in family.samples:
            sums[sample.name] += int(sample.value) if sample.value > 0 else 0
    return Counted(
        received=sums["consumer_received_total"],
        forwarded=sums["consumer_forwarded_total"],
        duplicates=sums["consumer_duplicates_total"],
        dead_letters=sums["consumer_dead_letters_total"],
        in_flight=sums["consumer_in_flight"],
    )


def imbalances(sent: Sent, counted: Counted, found: Found) -> list[str]:
    """Say what does not add up; empty: everything does."""
    concluded = counted.forwarded + counted.duplicates + counted.dead_letters + counted.in_flight
    lost = sent.identities - set(found.events)
    strange = set(found.events) - sent.identities
    doubled = sum(times - 1 for times in found.events.values())
    expected = {
        "events lost": (len(lost), 0),
        "events twice in the stream": (doubled, 0),
        "events in the stream that nobody sent": (len(strange), 0),
        **{
            f"dead letters in the stream, {reason}": (
                found.dead_letters[reason],
                sent.reasons[reason],
            )
            for reason in sorted({*found.dead_letters, *sent.reasons})
        },
        "messages not settled at the source": (found.unsettled, 0),
        "deliveries in flight": (counted.in_flight, 0),
        "deliveries concluded": (concluded, counted.received),
        "events forwarded": (counted.forwarded, sent.roles[Role.EVENT]),
        "dead letters counted": (counted.dead_letters, sent.roles[Role.BROKEN]),
    }
    return [
        f"{what}: {is_count}, expected {wanted}"
        for what, (is_count, wanted) in expected.items()
        if is_count != wanted
    ]


async def find(config: Config, listener: str) -> Found:
    """Read the streams of events and dead letters, and the source's own view.

    Args:
        config: of the demo.
        listener: the name of its only listener.

    Raises:
        Unavailable: the server is away.
    """
    source = config.listeners[listener]
    if not isinstance(source, NatsListenerSettings):
        raise TypeError("the demo's listener is on NATS")
    async with connected(config.sink, name="consumer demo") as client:
        jetstream = client.jetstream()
        letters = await _letters(client, config.dead_letters.stream)
        info = await jetstream.consumer_info(source.stream or "", source.durable)
        events = Counter([identity async for identity in _identities(client, config.sink.stream)])
        unsettled = (info.num_pending or 0) + (info.num_ack_pending or 0)
        return Found(events, letters, unsettled)


async def _letters(client: Client, stream: str) -> Counter[Reason]:
    """Count the letters by reason, which is the last token of their subject."""
    info = await client.jetstream().stream_info(stream, subjects_filter=">")
    found: Counter[Reason] = Counter()
    for subject, letters_count in (info.state.subjects or {}).items():
        found[Reason(subject.rpartition(".")[2])] += letters_count
    return found


async def _identities(client: Client, stream: str) -> AsyncIterator[tuple[str, str]]:
    """Yield message type and identity of each event of a stream."""
    async with following(client, FIRST, stream=stream) as reader:
        async for message in reader.stored():
            yield _identity(envelope.read(message.data))


def _identity(event: envelope.Envelope) -> tuple[str, str]:
    name = event.message_type.upper()
    kind = SAMPLES[name]
    if kind.identity_is_id:
        return name, event.id
    # A hash: the event is recognised by what is in it.
    return name, kind.identity(msgspec.json.decode(event.data, type=dict[str, object]))
