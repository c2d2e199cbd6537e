"""What uvicorn does not promise to keep and we rely on: it must leave signals to the daemon.

Else the first SIGTERM ends the port for `/livez` and `/readyz`, and nothing drains.
"""

from __future__ import annotations

import inspect
import signal

import uvicorn

from consumer.operations.http import DaemonServer

TOLD = "consumer/operations/http.py, DaemonServer: uvicorn would take the daemon's signals"


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
