"""What uvicorn does not promise to keep and we rely on.

It must leave signals to the daemon. Else the first SIGTERM ends the port for `/livez` and
`/readyz`, and nothing drains. And it must call the methods in which we limit its connections. Some
methods of its connections are replaced as a whole: whoever takes in a new version of uvicorn has to
read them again.
"""

from __future__ import annotations

import asyncio
import inspect
import signal

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from consumer.http.connection import PublicConnection
from consumer.operations.http import DaemonServer

TOLD = "consumer/operations/http.py, DaemonServer: uvicorn would take the daemon's signals"
PUBLIC_TOLD = "consumer/http/connection.py, PublicConnection: uvicorn has changed"
REPLACED = {
    "on_message_begin": "app_state asgi_version client copy expect_100_continue headers root_path "
    "scheme scope server url",
    "on_headers_complete": "Event RequestResponseCycle _should_upgrade _start_asgi_task access_log "
    "access_logger app appendleft asyncio connections cycle decode default_headers encode "
    "expect_100_continue flow get_http_version get_method httptools len limit_concurrency logger "
    "on_response_complete parse parse_url parser path pause_reading pipeline query "
    "response_complete root_path scope server_state service_unavailable should_keep_alive "
    "should_upgrade tasks transport unquote url urllib warning",
    "on_message_complete": "_should_upgrade cycle message_event more_body parser response_complete "
    "set should_upgrade",
    "on_response_complete": "_start_asgi_task _unset_keepalive_if_required call_later flow "
    "is_closing loop pipeline pop resume_reading server_state timeout_keep_alive "
    "timeout_keep_alive_handler timeout_keep_alive_task total_requests transport",
    "_start_asgi_task": "Context add add_done_callback config contextvars create_task discard loop "
    "reset_contextvars run run_asgi sys tasks version_info",
    "data_received": "HttpParserError HttpParserUpgrade _should_upgrade "
    "_unset_keepalive_if_required _unsupported_upgrade_warning feed_data handle_websocket_upgrade "
    "httptools logger parser send_400_response warning",
}
"""The methods that are replaced as a whole, and all that uvicorn's own methods speak of."""
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


@pytest.mark.parametrize("name", REPLACED)
def test_replaced_method_is_the_known_one(name: str) -> None:
    """What uvicorn adds to such a method would be missing from ours."""
    names = set(getattr(HttpToolsProtocol, name).__code__.co_names)
    assert names == set(REPLACED[name].split()), PUBLIC_TOLD


@pytest.mark.parametrize(
    "name",
    [
        *REPLACED,
        "connection_made",
        "connection_lost",
        "pause_writing",
        "resume_writing",
        "shutdown",
    ],
)
def test_method_of_ours_takes_the_place_of_one(name: str) -> None:
    """Nobody would call it otherwise."""
    assert name in vars(HttpToolsProtocol), PUBLIC_TOLD
    assert name in vars(PublicConnection)


def test_request_and_answer_are_made_as_before() -> None:
    """We make uvicorn's object for them ourselves."""
    made = set(inspect.signature(RequestResponseCycle).parameters)
    assert made == {
        *("scope", "transport", "flow", "logger", "access_logger", "access_log"),
        *("default_headers", "message_event", "expect_100_continue", "keep_alive", "on_response"),
    }, PUBLIC_TOLD
    kept = set(RequestResponseCycle.__init__.__code__.co_names)
    used = {"body", "more_body", "disconnected", "response_started", "response_complete"}
    assert used <= kept, PUBLIC_TOLD


def test_uvicorn_tells_of_an_answer_behind_its_last_byte() -> None:
    """And closes before that if it has to, holds a body up, and waits for a slow client."""
    send = set(RequestResponseCycle.send.__code__.co_names)
    assert {"on_response", "keep_alive", "close", "write_paused", "drain"} <= send, PUBLIC_TOLD
    assert "resume_reading" in RequestResponseCycle.receive.__code__.co_names, PUBLIC_TOLD
    assert "pause_reading" in HttpToolsProtocol.on_body.__code__.co_names, PUBLIC_TOLD


def test_state_of_a_server_has_what_we_use() -> None:
    """We make it without uvicorn's server."""
    assert {"connections", "tasks", "default_headers", "total_requests"} == set(vars(ServerState()))
