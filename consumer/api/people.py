"""The endpoints for people and their programs: types, a try without storing, and keys.

Responsible for what these endpoints need of the process, in one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from consumer.access.bucket import KeyBucket
from consumer.access.gate import Gate
from consumer.access.keyring import Keyring
from consumer.access.settings import KeysSettings
from consumer.api.key_endpoints import key_endpoints
from consumer.api.keys import KeyPages
from consumer.api.own_key import OwnKey, own_key_endpoint
from consumer.api.remembered import RememberedWrites
from consumer.api.types import TypePages, type_endpoints
from consumer.api.validate import Validation, validate_endpoint
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.http.settings import HttpSettings
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics
from consumer.sinks.base import SinkSettings
from consumer.stores.base import DedupeSettings

if TYPE_CHECKING:
    from consumer.http.endpoint import Endpoint


class ForPeople(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the endpoints for people need.

    Attributes:
        dedupe: The settings that say how long identities are remembered, by environment.
        listener: The options of the listener that takes posted events.
        max_event_bytes: The largest size of one event, in bytes.
        gate: Knows the rates of the keys.
        keyring: The keys in memory.
        keys: The bucket of keys, which is kept open.
        bucket_name: Its name.
        writes: Where the answers to writes are remembered.
    """

    dedupe: Mapping[Environment, DedupeSettings]
    listener: HttpListenerSettings
    max_event_bytes: int
    gate: Gate
    keyring: Keyring
    keys: KeyBucket
    bucket_name: str
    writes: RememberedWrites


def people_endpoints(given: ForPeople) -> tuple[Endpoint, ...]:
    """Return the endpoints for people."""
    pages = TypePages(given.dedupe, strict=given.listener.validation == "strict")
    validation = Validation(given.listener, given.max_event_bytes)
    keys = KeyPages(given.keys, given.bucket_name, given.keyring, given.gate.admit_again)
    return (
        *type_endpoints(pages),
        validate_endpoint(validation),
        own_key_endpoint(OwnKey(given.gate)),
        *key_endpoints(keys, given.writes),
    )


def unserved_writes(bucket: KeyBucket | None = None) -> RememberedWrites:
    """Return the answers to writes, whose server is away, for endpoints to be described."""
    sink, keys = SinkSettings(), KeysSettings()
    away = bucket or KeyBucket(sink, keys, sink.replicas, Keyring())
    return RememberedWrites(lambda: away.client, keys.bucket, sink.replicas, SYSTEM_CLOCK)


def unserved_people(keyring: Keyring | None = None) -> tuple[Endpoint, ...]:
    """Return the endpoints for people, to be described. The server of the keys is away.

    Args:
        keyring: The keys. None means that no key is known.
    """
    keyring = keyring or Keyring()
    sink, keys = SinkSettings(), KeysSettings()
    gate = Gate(keyring, Metrics(), environments=(), events_per_s={})
    bucket = KeyBucket(sink, keys, sink.replicas, keyring)
    return people_endpoints(
        ForPeople(
            dedupe={},
            listener=HttpListenerSettings(),
            max_event_bytes=HttpSettings().max_event_bytes,
            gate=gate,
            keyring=keyring,
            keys=bucket,
            bucket_name=keys.bucket,
            writes=unserved_writes(bucket),
        )
    )
