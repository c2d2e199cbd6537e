"""What the server may answer to a publish, and whether another try can help.

The codes are all that `processJetStreamMsg`, its clustered twin and the checks of batches can send,
in nats-server 2.15 (server/stream.go, server/jetstream_cluster.go, server/jetstream_batching.go;
the texts are in server/errors.json).
"""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from consumer.dead_letters.record import to_message
from consumer.errors import SinkUnavailable
from consumer.nats.stream import StreamPlan
from consumer.pipeline.route import HEADERS
from consumer.sinks.jetstream import IN_PROCESS, TOO_LARGE, _answer, _OverLimitError
from tests.support.letters import letter

PLAN: Final = StreamPlan(
    name="EVENTS", subjects=("x",), create=True, max_age_s=1, duplicate_window_s=1
)
OTHERS_MEND: Final = {
    10002: "resource limits exceeded for account",
    10007: "JetStream cluster not assigned to this server",
    10008: "JetStream system temporarily unavailable",
    10009: "JetStream cluster can not handle request",
    10023: "insufficient resources",
    10028: "insufficient memory resources available",
    10039: "JetStream not enabled for account",
    10047: "insufficient storage resources available",
    10077: "maximum messages exceeded",
    10109: "invalid operation on sealed stream",
    10169: "message counter increment is missing",
}
"""An operator, or time, ends these for all messages alike. The lane holds, and says the text."""
ASKED_BY_HEADERS: Final = {
    "Nats-Expected-": (10060, 10070, 10071, 10164, 10193),
    "Nats-Rollup": (10111,),
    "Nats-TTL": (10165, 10166),
    "Nats-Incr": (10168, 10170, 10171, 10172),
    "Nats-Batch-Id": (10174, 10175, 10176, 10177, 10179, 10199, 10200, 10201, 10210),
    "Nats-Required-Api-Level": (10185,),
    "Nats-Schedule": (10188, 10190, 10191, 10192, 10203, 10212),
    "Nats-Stream-Source": (10227,),
}
"""The server only looks for these mistakes in messages with such a header. The mistakes of fast
batches (10205 to 10208, 10211) need a reply subject that ends with `.$FI`."""
HEADERS_OVER_64_KIB: Final = 10097


def answer(code: int, text: str) -> object:
    """Return what the sink makes of an error."""
    error = {"code": 400, "err_code": code, "description": text}
    return _answer(msgspec.json.encode({"error": error, "stream": "EVENTS", "seq": 0}), PLAN)


@pytest.mark.parametrize("code", OTHERS_MEND)
def test_lane_holds_what_others_mend(code: int) -> None:
    """The text is the server's own, so that the operator finds it."""
    made = answer(code, OTHERS_MEND[code])
    assert type(made) is SinkUnavailable
    assert str(made) == f"{OTHERS_MEND[code]} (error {code})"


def test_only_a_size_is_the_fault_of_one_message() -> None:
    """Only this answer makes the sink look for a lower limit, which makes it a dead letter."""
    assert type(answer(TOO_LARGE, "message size exceeds maximum allowed")) is _OverLimitError


def test_copy_that_is_being_stored_is_tried_again() -> None:
    """The next answer says whether it was stored."""
    assert str(answer(IN_PROCESS, "duplicate message id is in process")) == (
        "a copy is being stored at this moment"
    )


def test_no_header_of_ours_asks_for_another_refusal() -> None:
    """A sender's header of such a name would hold a lane for ever, or purge a subject."""
    asked = {name for codes in ASKED_BY_HEADERS.values() for name in codes}
    assert not asked & (OTHERS_MEND.keys() | {TOO_LARGE, IN_PROCESS, HEADERS_OVER_64_KIB})
    sent = msgspec.structs.replace(letter(b"{}"), headers=dict.fromkeys(ASKED_BY_HEADERS, "1"))
    stored = to_message(sent, "dead", "id")
    assert any("Nats-Rollup" in name for name in stored.headers)
    for name in (*HEADERS, *stored.headers):
        assert not name.lower().startswith("nats-"), name
