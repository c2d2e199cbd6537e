"""The command of a later version, whose decoder mends what this one refuses.

`python -m tests.support.new_version dead replay …`: every letter becomes a casino event whose id
is a function of the letter, so that a test can tell which of them came through, and how often.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from consumer.__main__ import main
from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.pipeline.decode import Decoder, OccurrenceOf, unknown
from tests.support.samples import casino

if TYPE_CHECKING:
    from consumer.pipeline.batch import Batch


def mended_id(body: bytes, message_type: str | None) -> str:
    """Return the activity_id of the event that a letter becomes."""
    return hashlib.sha256(repr((body, message_type or "")).encode()).hexdigest()[:32]


class MendingDecoder(Decoder):
    """Understands everything."""

    def decode(self, batch: Batch, occurrence: OccurrenceOf = unknown) -> None:  # noqa: ARG002  # not asked
        """See `Decoder.decode`."""
        kind = find("CASINO")
        assert kind is not None
        for work in batch.works:
            name = mended_id(work.delivery.body, work.delivery.message_type)
            body = casino(activity_id=name)
            work.event = Normaliser(kind, "brand").normalise(body, batch.arrived_s)


if __name__ == "__main__":
    Decoder.decode = MendingDecoder.decode  # type: ignore[method-assign,assignment]  # what a new version is
    main()
