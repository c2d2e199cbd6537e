"""Knows where the events of one environment are: their stream, and their subjects in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.registry import subjects
from consumer.events.subjects import targets_of
from consumer.pipeline.mode import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nats.aio.msg import Msg

    from consumer.events.subjects import Routes
    from consumer.sinks.base import SinkSettings


class _CloudEvent(msgspec.Struct):
    """The attributes of a stored event that decide who may read it."""

    id: str
    """Not used. A message without an id is not an event of ours."""
    source: str
    type: str
    brand: str
    subject: str | None = None


_decode: Final = msgspec.json.Decoder(_CloudEvent).decode


class ReadEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as the stream holds it.

    Attributes:
        sequence: Its sequence number in the stream.
        subject: Its subject in the catalogue, which is also its CloudEvents type.
        brand: The brand that sent it.
        user: The id of its player. None if it has no player.
        message_type: Its message type, in lower case.
        body: The CloudEvent as JSON.
    """

    sequence: int
    subject: str
    brand: str
    user: str | None
    message_type: str
    body: bytes


class Place:
    """The stream of an environment, and where it has the events of each subject of the catalogue.

    An operator can route an event to several subjects. Then the stream has several messages of one
    event. A reader gets the event from one of these subjects: from the event's own subject if the
    event is routed there, otherwise from the first of its targets.

    Args:
        sink: The sink of the environment.
        routes: The routes.

    Attributes:
        stream: The name of the stream.
    """

    def __init__(self, sink: SinkSettings, routes: Routes) -> None:
        self.stream = sink.stream
        prefix = f"{sink.subject_prefix}." if sink.subject_prefix else ""
        self._on_wire: dict[str, str] = {}
        for subject in subjects():
            targets = targets_of(subject, routes)
            self._on_wire[subject] = prefix + (subject if subject in targets else targets[0])

    def on_wire(self, wanted: Iterable[str]) -> list[str]:
        """Return the subjects in the stream for subjects of the catalogue, sorted."""
        return sorted({self._on_wire[subject] for subject in wanted})

    def read(self, message: Msg) -> ReadEvent | None:
        """Return the event of a message.

        Returns:
            None if the message is one of the further outputs of an event, a copy that shadow mode
            has marked, or no event of ours.
        """
        if message.headers is not None and HEADER in message.headers:
            return None
        try:
            event = _decode(message.data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if self._on_wire.get(event.type) != message.subject:
            return None
        return ReadEvent(
            message.metadata.sequence.stream,
            event.type,
            event.brand,
            event.subject,
            event.source.rpartition("/")[2],
            message.data,
        )
