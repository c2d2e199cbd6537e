"""The table of all endpoints of the public port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.access.gate import Gate
from consumer.access.keyring import Keyring
from consumer.api.all_errors import AllErrors
from consumer.api.dead_letters.endpoints import dead_letter_endpoints
from consumer.api.documents import with_documents
from consumer.api.one_event import OneEventSearch, one_event_endpoints
from consumer.api.people import unserved_people, unserved_writes
from consumer.listeners.http.endpoints import ingest_endpoints
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics
from consumer.readers.described import reader_endpoints
from consumer.readers.endpoints import ReadersEndpoints
from consumer.readers.readers import Readers
from consumer.readers.settings import StreamApiSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.http.endpoint import Endpoint


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


def described_endpoints(
    settings: HttpListenerSettings | None = None,
) -> tuple[Endpoint, ...]:
    """Return the endpoints of a port, to be described and never called.

    Args:
        settings: The options of the listener. None means the defaults.
    """
    settings = settings or HttpListenerSettings()
    limits = IngestLimits(
        max_body_bytes=0, max_event_bytes=0, rejected_status=settings.rejected_status
    )
    ingest = Ingest(
        {}, limits, Metrics(), lambda _, __: None, lambda _, __: None, AllErrors(strict=False)
    )
    gate = Gate(Keyring(), Metrics(), environments=(), events_per_s={})
    readers = Readers(StreamApiSettings(), 0, {}, gate, Metrics())
    others = (
        *reader_endpoints(ReadersEndpoints(readers, gate)),
        *one_event_endpoints(OneEventSearch({})),
        *dead_letter_endpoints({}, gate.admit_again, unserved_writes()),
    )
    return all_endpoints(ingest, settings, (*others, *unserved_people()))
