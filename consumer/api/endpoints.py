"""The table of all endpoints of the public port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.api.all_errors import AllErrors
from consumer.api.documents import with_documents
from consumer.listeners.http.endpoints import ingest_endpoints
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from consumer.http.endpoint import Endpoint


def all_endpoints(ingest: Ingest, settings: HttpListenerSettings) -> tuple[Endpoint, ...]:
    """Return every endpoint of the port.

    Args:
        ingest: The way into the lanes.
        settings: The options of the listener.
    """
    return with_documents(
        ingest_endpoints(ingest, settings.answer_timeout_s, settings.rejected_status)
    )


def described_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of a port with default options, to be described and never called."""
    settings = HttpListenerSettings()
    limits = IngestLimits(
        max_body_bytes=0, max_event_bytes=0, rejected_status=settings.rejected_status
    )
    ingest = Ingest(
        {}, limits, Metrics(), lambda _, __: None, lambda _, __: None, AllErrors(strict=False)
    )
    return all_endpoints(ingest, settings)
