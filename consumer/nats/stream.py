"""Creates a JetStream stream, or checks that an existing stream keeps what our promise needs.

Responsible for the settings of a stream. Not responsible for publishing to it
(`sinks/jetstream.py`). docs/guarantees.md says why each setting is required. The behaviour of the
server was measured with nats-server 2.15.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from nats.js.api import DiscardPolicy, PersistMode, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from consumer.errors import SinkUnavailable
from consumer.nats.explain import explained
from consumer.nats.subjects import covers
from consumer.operations.caveat import Caveat

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js.api import StreamInfo
    from nats.js.client import JetStreamContext

ATOMIC_SINCE: Final = (2, 12)
"""The first server version that knows `allow_atomic`:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-50.md"""

LIMITS: Final = ("max_msgs", "max_bytes", "max_msgs_per_subject")
"""The settings with which a stream may delete a message before its age."""

log = structlog.get_logger()


class StreamPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The stream that is wanted.

    Attributes:
        name: The name of the stream.
        subjects: The subjects that the stream must store. They may have wildcards.
        create: If true, a missing stream is created, and missing subjects are added. If false, the
            stream is only checked.
        max_age_s: The age at which a stream that we create deletes a message, in seconds.
        max_bytes: The size at which a stream that we create deletes its oldest messages, in bytes.
            -1 means no limit.
        replicas: The number of servers that keep a stream that we create.
        duplicate_window_s: The time for which the server recognises a message id, in seconds. An
            existing stream has to recognise ids at least as long.
        least_message_bytes: The size of headers and body that server and stream have to accept, in
            bytes.
        looks: If true, single messages of the stream are looked for. This needs a permission of its
            own.
    """

    name: str
    subjects: tuple[str, ...]
    create: bool
    max_age_s: float
    max_bytes: int = -1
    replicas: int = 1
    duplicate_window_s: float
    least_message_bytes: int = 0
    looks: bool = False


class SeenStream(msgspec.Struct, frozen=True):
    """A stream at the server. It is equal to what was seen before if nobody has changed it.

    Attributes:
        config: The configuration.
        created: When the stream was made. It tells a stream from another with the same name.
    """

    config: StreamConfig
    created: datetime | None


class FitStream(msgspec.Struct, frozen=True):
    """A stream that keeps what the promise needs.

    Attributes:
        seen: The stream as the server describes it.
        caveats: The things about the stream that work, but may surprise the operator.
    """

    seen: SeenStream
    caveats: list[Caveat]


async def prepare_stream(client: Client, plan: StreamPlan) -> FitStream:
    """Find a stream and check that it is fit. Create a missing stream if the plan says so.

    Raises:
        SinkUnavailable: The stream is missing or unfit, or the server does not answer. The text
            says what to do.
    """
    refuse_small_messages(client, plan)
    jetstream = client.jetstream()
    with explained(
        plan.name,
        missing="was it deleted just now?",
        request=f"$JS.API.STREAM.INFO.{plan.name}",
        client=client,
    ):
        seen = await _find(jetstream, plan.name)
        if seen is None:
            return FitStream(await _create(client, jetstream, plan), [])
        missing = [subject for subject in plan.subjects if not _covered(subject, seen.config)]
        if missing and plan.create:
            seen = await _widen(jetstream, seen.config, missing)
            missing = []
    problems = _problems(plan, seen.config, missing)
    if problems:
        raise SinkUnavailable(f"stream {plan.name} is not fit: {'; '.join(problems)}", refused=True)
    return FitStream(seen, _caveats(plan, seen.config, client.max_payload))


async def see_stream(client: Client, name: str, timeout_s: float) -> SeenStream | None:
    """Look at a stream. Return None if it does not exist.

    Args:
        client: The connection.
        name: The name of the stream.
        timeout_s: How long the answer may take, in seconds.

    Raises:
        SinkUnavailable: There is no answer.
    """
    request = f"$JS.API.STREAM.INFO.{name}"
    with explained(name, missing="was it deleted just now?", request=request, client=client):
        return await _find(client.jetstream(timeout=timeout_s), name)


def refuse_small_messages(client: Client, plan: StreamPlan) -> None:
    """Check that the server accepts messages as large as the plan needs.

    Raises:
        SinkUnavailable: The server's limit is too small.
    """
    if client.max_payload < plan.least_message_bytes:
        raise SinkUnavailable(
            f"stream {plan.name} needs messages of up to {plan.least_message_bytes} bytes, but "
            f"max_payload of the server is {client.max_payload}: raise it",
            refused=True,
        )


async def _find(jetstream: JetStreamContext, name: str) -> SeenStream | None:
    try:
        return _seen(await jetstream.stream_info(name))
    except NotFoundError:
        return None


def _seen(info: StreamInfo) -> SeenStream:
    return SeenStream(info.config, info.created)


async def _create(client: Client, jetstream: JetStreamContext, plan: StreamPlan) -> SeenStream:
    if not plan.create:
        raise SinkUnavailable(
            f"stream {plan.name} does not exist: create it, or set create_stream = true",
            refused=True,
        )
    version = client.connected_server_version
    wanted = StreamConfig(
        name=plan.name,
        subjects=list(plan.subjects),
        # A work queue would forget an acknowledged message and its id at a restart:
        # https://github.com/nats-io/nats-server/issues/3272
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=plan.max_age_s,
        max_bytes=plan.max_bytes,
        num_replicas=plan.replicas,
        duplicate_window=plan.duplicate_window_s,
        allow_atomic=True if (version.major, version.minor) >= ATOMIC_SINCE else None,
    )
    created = _seen(await jetstream.add_stream(wanted))
    log.info("stream created", stream=plan.name, subjects=list(plan.subjects))
    return created


async def _widen(
    jetstream: JetStreamContext, config: StreamConfig, missing: list[str]
) -> SeenStream:
    wider = config.evolve(subjects=[*(config.subjects or []), *missing])
    updated = _seen(await jetstream.update_stream(wider))
    log.info("stream subjects added", stream=config.name, subjects=missing)
    return updated


def _problems(plan: StreamPlan, config: StreamConfig, missing: list[str]) -> list[str]:
    needed_s = plan.duplicate_window_s
    window_s, max_age_s = config.duplicate_window or 0, config.max_age or 0
    found = [
        (missing, f"it does not store {', '.join(missing)}"),
        (
            config.retention != RetentionPolicy.LIMITS,
            f"retention is {config.retention}, must be limits",
        ),
        (
            window_s < needed_s,
            f"duplicate_window is {window_s:g} s, must be at least {needed_s:g} s",
        ),
        (
            0 < max_age_s < needed_s,
            f"max_age is {max_age_s:g} s, must be 0 or at least {needed_s:g} s",
        ),
        (
            config.storage == StorageType.MEMORY,
            "storage is memory, so what is confirmed is gone after a restart",
        ),
        (config.no_ack, "no_ack is set, so nothing would be confirmed"),
        (
            config.persist_mode == PersistMode.ASYNC,
            "persist_mode is async, so what is confirmed may be lost",
        ),
        (config.sealed, "it is sealed"),
        (config.allow_msg_counter, "allow_msg_counter is set, so it takes only counters"),
        (
            config.subject_transform is not None,
            "subject_transform is set, so events are stored under other subjects",
        ),
        (
            0 < (config.max_msg_size or 0) < plan.least_message_bytes,
            f"max_msg_size is {config.max_msg_size}, must be at least {plan.least_message_bytes}",
        ),
    ]
    return [problem for is_so, problem in found if is_so]


def _caveats(plan: StreamPlan, config: StreamConfig, max_payload_bytes: int) -> list[Caveat]:
    found = []
    limits = {name: getattr(config, name) or -1 for name in LIMITS}
    if max(limits.values()) > 0:
        facts = {"stream": plan.name, **limits}
        found.append(Caveat("stream may evict inside the window", facts))
    if 0 < (config.max_msg_size or 0) < max_payload_bytes:
        facts = {"stream": plan.name, "max_msg_size": config.max_msg_size}
        found.append(Caveat("larger messages do not fit into the stream", facts))
    if (config.num_replicas or 1) < plan.replicas:
        facts = {"stream": plan.name, "has": config.num_replicas, "wanted": plan.replicas}
        found.append(Caveat("stream has fewer replicas than wanted", facts))
    return found


def _covered(wanted: str, config: StreamConfig) -> bool:
    return any(covers(subject, wanted) for subject in config.subjects or [])
