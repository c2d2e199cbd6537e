"""Makes and ends aiokafka's consumer, and says why a broker cannot be reached.

Not responsible for the group and its offsets (`group.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ConsumerStoppedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from consumer.errors import ConfigError, ListenerUnavailable
from consumer.listeners.kafka.batches import tolerate
from consumer.listeners.kafka.internals import (
    FencedInstanceIdError,
    abort,
    hand_out_bounded,
    know_fenced_members,
    never_create_topics,
    notice_closed_sockets,
)
from consumer.options.refresh import refreshed
from consumer.options.server_name import expecting
from consumer.options.unreachable import Unreachable, hung_up, why_unreachable
from consumer.options.values import TlsSettings

if TYPE_CHECKING:
    from consumer.listeners.kafka.settings import KafkaSettings

JOIN_MARGIN_S: Final = 5.0
"""The time that the broker gives us in a rebalance after `rebalance_timeout_s`, in seconds. We use
it for the last commit, and to join the group again."""
METADATA_MAX_AGE_S: Final = 10.0
"""The time until new topics and partitions are noticed, in seconds. aiokafka's default is 300 s."""
STOP_DEADLINE_S: Final = 2.5
BROKER: Final = "Kafka"
LOGIN_REFUSED: Final = "login refused: check sasl_username, sasl_password and sasl_mechanism"
REFUSED: Final = (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
READ_ERRORS: Final = (KafkaError, ConsumerStoppedError, ValueError)
"""The errors that aiokafka raises if records cannot be read. ValueError means that a batch cannot
be parsed."""


class _TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Reads the token from its file at each login, because tokens expire and are replaced."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def token(self) -> str:
        """Return the token."""
        return (await asyncio.to_thread(self._path.read_text)).strip()


def login_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the options with which any aiokafka client logs in to this cluster.

    Raises:
        ListenerUnavailable: A file of the TLS options, or of the password, cannot be used.
    """
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    try:
        settings = refreshed(settings)
        if settings.security_protocol.endswith("SSL"):
            tls = settings.tls or TlsSettings()
            options["ssl_context"] = expecting(tls.context(), tls.server_hostname)
    except ConfigError as error:
        # A file may appear or be corrected while we run. So this is not treated as an error of the
        # configuration, which would stop the other listeners too.
        raise ListenerUnavailable(str(error), reason="refused") from error
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password,
            "sasl_kerberos_service_name": settings.sasl_kerberos_service_name,
            "sasl_kerberos_domain_name": settings.sasl_kerberos_domain_name,
        }
        if settings.sasl_oauth_token_path is not None:
            options["sasl_oauth_token_provider"] = _TokenFile(settings.sasl_oauth_token_path)
    return options


def make_consumer(settings: KafkaSettings, name: str) -> AIOKafkaConsumer:
    """Make an aiokafka consumer that is not started yet. This needs a running event loop."""
    tolerate()
    hand_out_bounded()
    notice_closed_sockets()
    never_create_topics()
    know_fenced_members()
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=f"consumer-{name}",
        group_id=settings.group_id,
        group_instance_id=settings.group_instance_id,
        # The defaults of the next two options would lose messages: aiokafka would commit at regular
        # intervals, and would begin at the end of the topic. See `start.py`.
        enable_auto_commit=False,
        auto_offset_reset="none",
        metadata_max_age_ms=_ms(METADATA_MAX_AGE_S),
        isolation_level=settings.isolation_level,
        session_timeout_ms=_ms(settings.session_timeout_s),
        heartbeat_interval_ms=_ms(settings.heartbeat_interval_s),
        max_poll_interval_ms=_ms(settings.max_poll_interval_s),
        rebalance_timeout_ms=_ms(settings.rebalance_timeout_s + JOIN_MARGIN_S),
        request_timeout_ms=_ms(settings.request_timeout_s),
        fetch_max_bytes=min(settings.fetch_max_bytes, settings.max_buffered_bytes),
        max_partition_fetch_bytes=settings.max_partition_fetch_bytes,
        **login_options(settings),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


async def probe(settings: KafkaSettings) -> None:
    """Try the bootstrap servers in turn, until one of them is reached and accepts the login.

    aiokafka's own bootstrap writes the reason for a failure only to its log, and waits for
    `request_timeout_s` if no server answers.

    Raises:
        ListenerUnavailable: No server could be used. The text names the reason for each server.
    """
    problems: list[str] = []
    refused = False
    for server in settings.bootstrap_servers:
        try:
            host, port, _ = collect_hosts([server])[0]
            connection = await create_conn(
                host,
                port,
                request_timeout_ms=_ms(settings.connect_timeout_s),
                **login_options(settings),
            )
        except (KafkaError, OSError, TimeoutError, ValueError, OverflowError) as error:
            # OverflowError: a port above 65,535.
            why = _why_unreachable(error, settings)
            problems.append(f"{server}: {why.text if why else explain(error)}")
            refused = refused or (why.refused if why else isinstance(error, REFUSED))
        else:
            connection.close()
            return
    raise ListenerUnavailable("; ".join(problems), reason="refused" if refused else "lost")


EXPLAINED: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (SaslAuthenticationFailed, LOGIN_REFUSED),
    (AuthenticationFailedError, LOGIN_REFUSED),
    (GroupAuthorizationFailedError, "permission missing: allow Read on the group"),
    (TopicAuthorizationFailedError, "permission missing: allow Describe and Read on the topic"),
    (
        InvalidSessionTimeoutError,
        "session_timeout_s is outside what the broker allows (group.min.session.timeout.ms)",
    ),
    (IllegalSaslStateError, "no login expected at this port: check security_protocol"),
    (UnsupportedSaslMechanismError, "check sasl_mechanism"),
)
PROTOCOL: Final = "(check bootstrap_servers; security_protocol is {})"
"""What decides whether we speak TLS."""


WRAPPED: Final = {
    FencedInstanceIdError.__name__: "another process has this group_instance_id: give each its own",
    InconsistentGroupProtocolError.__name__: (
        "the other members of the group share partitions in another way "
        "(partition.assignment.strategy): use another group_id, or give them roundrobin"
    ),
}
"""The errors that aiokafka only names in the text of another error, and what each means."""


def _wrapped(error: BaseException) -> str | None:
    text = repr(error)
    return next((name for name in WRAPPED if name in text), None)


def _why_unreachable(error: BaseException, settings: KafkaSettings) -> Unreachable | None:
    tls = settings.security_protocol.endswith("SSL")
    why = why_unreachable(error, BROKER, tls=tls)
    if why is None and isinstance(error, KafkaConnectionError):
        why = Unreachable(hung_up(BROKER, tls=tls), refused=False)
    if why is None:
        return None
    return Unreachable(f"{why.text} {PROTOCOL.format(settings.security_protocol)}", why.refused)


def explain(error: BaseException) -> str:
    """Say what happened, and what to do about it if that is known."""
    said = str(error)
    wrapped = _wrapped(error)
    if wrapped is not None:
        return WRAPPED[wrapped]
    for kind, advice in EXPLAINED:
        if isinstance(error, kind):
            return f"{advice} ({said})" if said else advice
    if isinstance(error, (OSError, KafkaConnectionError)):
        why = why_unreachable(error, BROKER, tls=False)
        return f"{why.text if why else 'Kafka hung up: is it starting?'} ({said})"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def unavailable(error: BaseException) -> ListenerUnavailable:
    """Translate an error of aiokafka."""
    refused = isinstance(error, REFUSED) or _wrapped(error) is not None
    return ListenerUnavailable(explain(error), reason="refused" if refused else "lost")


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close the connections within 4 s, also if the broker is frozen."""

    async def leave() -> None:
        with contextlib.suppress(KafkaError, OSError):
            await consumer.stop()

    try:
        async with asyncio.timeout(STOP_DEADLINE_S), asyncio.TaskGroup() as group:
            # This needs a task of its own. When aiokafka ends a fetch that waits for its next try,
            # it raises CancelledError here although nobody cancelled us.
            group.create_task(leave(), name="leave")
    except TimeoutError:
        pass  # `abort` ends what is left
    finally:
        await abort(consumer)
