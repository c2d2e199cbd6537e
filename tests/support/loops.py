"""The event loops that tests run on: that of asyncio, and uvloop, on which production runs.

They differ in what a transport is and in when it calls back, which is what listeners, sinks and
stores are made of. A listener once checked for the transports of asyncio, and so it never stopped
reading on uvloop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import uvloop

if TYPE_CHECKING:
    from pathlib import Path

LoopFactories = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

ON_ASYNCIO: Final[LoopFactories] = {"asyncio": asyncio.new_event_loop}
ON_BOTH: Final[LoopFactories] = {**ON_ASYNCIO, "uvloop": uvloop.new_event_loop}
"""By the name that stands in the name of a test."""
ON_BOTH_PLACES: Final = {
    "contract",
    "nats_listener",
    "rabbitmq_listener",
    "test_http_connection.py",
    "test_http_sent_events.py",
    "test_http_server.py",
    "test_http_slow_streams.py",
    "test_http_streams.py",
    "test_http_tls.py",
    "test_http_websocket.py",
    "test_http_websocket_limits.py",
    "test_kafka_listener.py",
    "test_proxy.py",
    "test_rabbitmq_transport.py",
    "test_senders.py",
}
"""The modules, and the folders of modules, whose tests speak to a broker themselves, or serve at a
socket. Other tests wait for no socket, or start the installed command, which chooses its event loop
by itself."""


def loops_for(path: Path) -> LoopFactories:
    """Return the event loops on which the tests of a module run."""
    return ON_BOTH if ON_BOTH_PLACES & {path.name, path.parent.name} else ON_ASYNCIO
