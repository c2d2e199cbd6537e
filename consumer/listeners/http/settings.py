"""The options of a listener of kind `http`."""

from __future__ import annotations

from typing import Literal

from consumer.listeners.base import ListenerSettings
from consumer.options.values import Seconds


class HttpListenerSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a listener of kind `http`. The key of a request names the brand.

    Attributes:
        answer_timeout_s: How long a sender waits for the outcome of its events, in seconds. After
            this time the answer is 503, and the sender sends again.
        rejected_status: The status of the answer to an event that became a dead letter. With 200,
            a sender that repeats everything until it gets 200 goes on to its next event. With 400,
            a conflict is answered with 409.
    """

    kind: str = "http"
    answer_timeout_s: Seconds = 10.0
    rejected_status: Literal[200, 400] = 400
