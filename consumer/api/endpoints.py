"""The table of all endpoints of the public port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.listeners.http.endpoints import ingest_endpoints

if TYPE_CHECKING:
    from consumer.http.endpoint import Endpoint
    from consumer.listeners.http.ingest import Ingest
    from consumer.listeners.http.settings import HttpListenerSettings


def all_endpoints(ingest: Ingest, settings: HttpListenerSettings) -> tuple[Endpoint, ...]:
    """Return every endpoint of the port.

    Args:
        ingest: The way into the lanes.
        settings: The options of the listener.
    """
    return ingest_endpoints(ingest, settings.answer_timeout_s, settings.rejected_status)
