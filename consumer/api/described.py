"""The endpoints of a port with all its parts, to be described and never called.

The daemon does not load this module: a port without `[wallet]` loads no code of the wallet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.access.gate import Gate
from consumer.access.keyring import Keyring
from consumer.api.all_errors import AllErrors
from consumer.api.dead_letters.endpoints import dead_letter_endpoints
from consumer.api.endpoints import all_endpoints
from consumer.api.one_event import OneEventSearch, one_event_endpoints
from consumer.api.people import unserved_people, unserved_writes
from consumer.ledger.amounts import Amounts
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics
from consumer.readers.described import reader_endpoints
from consumer.readers.endpoints import ReadersEndpoints
from consumer.readers.readers import Readers
from consumer.readers.settings import StreamApiSettings
from consumer.wallet.settings import WalletSettings
from consumer.wallet.table import wallet_endpoints

if TYPE_CHECKING:
    from consumer.http.endpoint import Endpoint


def described_endpoints(
    settings: HttpListenerSettings | None = None,
) -> tuple[Endpoint, ...]:
    """Return the endpoints of a port with all its parts, to be described and never called.

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
        *wallet_endpoints({}, WalletSettings(database=""), Amounts({}), Metrics()),
    )
    return all_endpoints(ingest, settings, (*others, *unserved_people()))
