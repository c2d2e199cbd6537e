"""What uvicorn does not promise to keep and we rely on.

It must leave signals to the daemon. Else the first SIGTERM ends the port for `/livez` and
`/readyz`, and nothing drains. And it must call the methods in which we limit its connections.
"""

from __future__ import annotations

import asyncio
import inspect
import signal

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from consumer.operations.http import DaemonServer

TOLD = "consumer/operations/http.py, DaemonServer: uvicorn would take the daemon's signals"
LIMITS_TOLD = "consumer/operations/connections.py, LimitedConnection: uvicorn has changed"


def handlers_inside(kind: type[uvicorn.Server]) -> list[object]:
    """Return the handlers of SIGTERM and SIGINT while a server of this kind answers."""
    config = uvicorn.Config("nowhere:application", log_config=None)
    with kind(config).capture_signals():
        return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


def test_server_takes_signals_where_we_override_it() -> None:
    """An override that nothing calls any more leaves uvicorn's own handlers in place."""
    assert "capture_signals" in uvicorn.Server.serve.__code__.co_names, TOLD
    assert list(inspect.signature(uvicorn.Server.capture_signals).parameters) == ["self"], TOLD


def test_signals_are_taken_by_uvicorn_only() -> None:
    """If uvicorn takes none either, the override can go."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert handlers_inside(uvicorn.Server) != before, "DaemonServer can go"
    assert handlers_inside(DaemonServer) == before, TOLD


def test_no_option_leaves_signals_alone() -> None:
    """An option for it would be better than the override."""
    options = [name for name in inspect.signature(uvicorn.Config).parameters if "signal" in name]
    assert options == [], "uvicorn has an option for this now: take it, and drop DaemonServer"


@pytest.mark.parametrize("name", ["connection_made", "data_received", "connection_lost"])
def test_connection_is_a_protocol_of_asyncio(name: str) -> None:
    """A limit is only checked where asyncio or uvicorn calls our method."""
    assert getattr(H11Protocol, name) is not getattr(asyncio.Protocol, name), LIMITS_TOLD


def test_uvicorn_tells_when_an_answer_is_complete() -> None:
    """Else an idle connection would count as a request that takes too long."""
    assert "on_response_complete" in H11Protocol.handle_events.__code__.co_names, LIMITS_TOLD


def test_uvicorn_limits_no_half_request() -> None:
    """If uvicorn has such a limit, ours may go."""
    known = {"limit_concurrency", "limit_max_requests", "limit_max_requests_jitter"}
    times = {"timeout_keep_alive", "timeout_notify", "timeout_graceful_shutdown"}
    times |= {"timeout_worker_healthcheck"}
    options = {
        name
        for name in inspect.signature(uvicorn.Config).parameters
        if name.startswith(("limit_", "timeout_"))
    }
    assert options == known | times, LIMITS_TOLD
