"""States what the body of one delivery may cost: its bytes, and the number of its values.

A small compressed body can stand for gigabytes, and two bytes of JSON can become 150 bytes of
memory and a microsecond of work. So a body is measured before it is decoded. With these limits, a
delivery takes at most eight times the permitted size of its body in memory. A known field that is
one long text with an emoji takes nine times (tests/unit/test_budget.py).

Large bodies are decoded in a thread, but code in C does not give way to other tasks. With bodies of
up to 6 MiB, no call of C code takes longer than 50 ms. With 16 MiB, the longest took 221 ms. An
operator who raises `max_decoded_bytes`, or the largest message of the sink, permits longer pauses.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from consumer.errors import Misfit, Reason, Rejected

BODY_TO_MESSAGE_RATIO: Final = 2
"""How much larger than the sink's largest message a body may be, if no option says otherwise. An
event is smaller than its body if the body has spaces, or wraps the event."""
VALUE_SHARE_BYTES: Final = 40
"""The permitted size of a body, divided by this, is the largest number of its values."""
VALUES_MAX_COUNT: Final = 2**17
"""The largest number of values in a body, whatever its permitted size: about 25 ms of decoding."""
VALUES_FREE_BYTES: Final = 4 * 1024
"""The decoder does not count the values of a body up to this size."""
USUAL_SINK_BYTES: Final = 1024 * 1024
"""The largest message of a NATS server, if its configuration does not say otherwise."""
_NEXT_VALUE: Final = re.compile(
    rb'(?:[^",\[{]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))*+(?:([,\[{])|\Z)', re.DOTALL
)
"""Everything up to the next comma or opening bracket that is not part of a text, or up to the end.
It never goes back and never fails, so it takes time in proportion to the body."""


def max_body_bytes(option_bytes: int | None = None, sink_bytes: int = USUAL_SINK_BYTES) -> int:
    """Return the largest size of a body after its content encoding is undone, in bytes.

    Args:
        option_bytes: The option `max_decoded_bytes`. None means that the sink decides.
        sink_bytes: The size of the largest message that the sink takes.
    """
    return BODY_TO_MESSAGE_RATIO * sink_bytes if option_bytes is None else option_bytes


def refuse_long(body: bytes, limit_bytes: int) -> None:
    """Refuse a body that is too large as it arrived.

    Raises:
        Rejected: `too_large`.
    """
    if len(body) > limit_bytes:
        raise _too_large(f"at most {limit_bytes} bytes", str(len(body)))


def refuse_many_values(body: bytes, limit_bytes: int) -> None:
    """Refuse a body that holds too many values.

    Each object, each list and each plain value counts once. An empty object or list counts twice.

    Args:
        body: The JSON, which may be broken.
        limit_bytes: The permitted size of the body.

    Raises:
        Rejected: `too_large`.
    """
    max_count = min(limit_bytes // VALUE_SHARE_BYTES, VALUES_MAX_COUNT)
    # Texts may hold commas and brackets too, so only a small sum is certain.
    if sum(map(body.count, (b",", b"[", b"{"))) < max_count:
        return
    last = next(islice(_NEXT_VALUE.finditer(body), max_count - 1, None), None)
    if last is not None and last[1]:
        raise _too_large(f"at most {max_count} values", "more")


def _too_large(expected: str, found: str) -> Rejected:
    return Rejected(Reason.TOO_LARGE, Misfit("body", expected, found))
