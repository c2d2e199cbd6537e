"""The table of all endpoints of the public port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.api.documents import with_documents
from consumer.listeners.http.endpoints import ingest_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.http.endpoint import Endpoint
    from consumer.listeners.http.ingest import Ingest
    from consumer.listeners.http.settings import HttpListenerSettings


def all_endpoints(
    ingest: Ingest, settings: HttpListenerSettings, others: Iterable[Endpoint]
) -> tuple[Endpoint, ...]:
    """Return every endpoint of the port.

    Args:
        ingest: The way into the lanes.
        settings: The options of the listener.
        others: The other endpoints. Those for readers need the table `[stream_api]`.
    """
    return with_documents(
        (
            *ingest_endpoints(ingest, settings.answer_timeout_s, settings.rejected_status),
            *others,
        )
    )
