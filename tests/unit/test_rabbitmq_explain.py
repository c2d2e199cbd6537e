"""What is said of the broker's own words, where no test can make the broker say them."""

from __future__ import annotations

import pytest
from aiormq.exceptions import ConnectionClosed

from consumer.listeners.rabbitmq.explain import explain

LIMITS = [
    "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (1) is reached",
    "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached",
]
"""https://www.rabbitmq.com/docs/vhosts#limits and https://www.rabbitmq.com/docs/user-limits"""


@pytest.mark.parametrize("said", LIMITS, ids=["vhost", "user"])
def test_limit_of_connections_is_no_missing_vhost(said: str) -> None:
    """The broker uses the same code for both."""
    text, reason = explain(ConnectionClosed(530, said), said, "q")
    assert text.startswith("the limit of connections is reached, raise it or end other connections")
    assert reason == "refused"
