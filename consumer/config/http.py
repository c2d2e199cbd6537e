"""Checks what belongs to the public port: the tables `[http]`, `[keys]` and `[sandbox]`.

`load.py` reads the tables. The functions here compare them with the other tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.nats.subjects import covers, overlap
from consumer.options.address import can_listen
from consumer.options.values import Bytes, Count, Seconds, Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.dead_letters.stream import DeadLetterSettings
    from consumer.http.settings import HttpSettings
    from consumer.listeners.base import ListenerSettings
    from consumer.listeners.nats.settings import NatsListenerSettings
    from consumer.operations.http import OperationsSettings
    from consumer.sinks.base import SinkSettings
    from consumer.wallet.settings import WalletSettings

HTTP: Final = "http"
"""The kind of a listener whose deliveries come over the public port."""
TEST_ENDING: Final = "-test"
"""The listener for test keys has the name of the listener for live keys with this ending."""


PageUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#@{}]+(/[^\s?#{}]*)?(?!\n)$",
        description='an address that begins with "https://" or "http://"',
        extra={"url": True},
    ),
]


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[sandbox]`: the place of events that were posted with test keys.

    Without the table, test keys are refused.

    Attributes:
        subject_prefix: The first token of the subjects, in place of `subject_prefix` of `[sink]`.
        stream: The name of the stream of events.
        max_bytes: The size at which the stream of events, and the stream of dead letters, delete
            their oldest messages, in bytes.
        dead_letters: The name of the stream of dead letters.
        dead_subject_prefix: The first token of the subjects of dead letters.
        window_s: The time for which an identity is remembered, in seconds.
        rate: The largest number of events a second of a test key that has no rate of its own.
        url: The address of the public port as browsers reach it, for the test games. None means
            the address of `bind`.
    """

    subject_prefix: Token = "sandbox"
    stream: Token = "EVENTS_SANDBOX"
    max_bytes: Bytes = 1024 * 1024 * 1024
    dead_letters: Token = "DEAD_LETTERS_SANDBOX"
    dead_subject_prefix: Token = "sandbox_dead"
    window_s: Seconds = 3600.0
    rate: Count = 100
    url: PageUrl | None = None


def http_listeners(listeners: Mapping[str, ListenerSettings]) -> list[str]:
    """Return the names of the listeners whose deliveries come over the public port."""
    return [name for name, settings in listeners.items() if settings.kind == HTTP]


def port_problems(
    http: HttpSettings | None,
    listeners: Mapping[str, ListenerSettings],
    sink: SinkSettings,
    *,
    reads: bool,
) -> Iterator[str]:
    """Yield a line for each mistake in how the port, its listener and the sink fit together.

    Args:
        http: The public port.
        listeners: All listeners.
        sink: The sink.
        reads: True if there is a table `[stream_api]`.
    """
    names = http_listeners(listeners)
    if http is None:
        yield from (f"listeners.{name}: needs a port, expected a table [http]" for name in names)
        if reads:
            yield "stream_api: needs a port, expected a table [http]"
        return
    if not names:
        yield 'http: nothing is behind the port, expected a listener with kind = "http"'
    yield from _listener_problems(names, listeners)
    if sink.kind == "core":
        yield "sink.kind: holds 'core', expected 'jetstream': keys are in JetStream, see [http]"
    if http.max_event_bytes > http.max_body_bytes:
        yield (
            f"http.max_event_bytes: holds {http.max_event_bytes}, expected at most "
            f"max_body_bytes = {http.max_body_bytes}"
        )


def _listener_problems(
    names: list[str], listeners: Mapping[str, ListenerSettings]
) -> Iterator[str]:
    for name in names[1:]:
        yield f"listeners.{name}.kind: holds 'http' like listeners.{names[0]}, expected only one"
    for name in names:
        if listeners[name].brand is not None:
            yield f"listeners.{name}.brand: the key of a request names the brand, expected no brand"
        if name + TEST_ENDING in listeners:
            yield f"listeners.{name}{TEST_ENDING}: the sandbox uses this name, expected another"


def address_problems(http: HttpSettings | None, operations: OperationsSettings) -> Iterator[str]:
    """Yield a line for each address and each file of the two ports that cannot be used."""
    if not can_listen(operations.bind):
        yield (
            f"operations.bind: holds {operations.bind!r}, expected an address such as "
            "127.0.0.1:9464 or [::1]:9464"
        )
    if http is None:
        return
    # Without `[http]`, a daemon loads only the options of the public port, and not its other code.
    from consumer.http.check import unusable  # noqa: PLC0415  # as said

    yield from unusable(http)
    if http.bind == operations.bind and not http.bind.endswith(":0"):
        yield f"http.bind: holds {http.bind!r} like operations.bind, expected another port"


def test_game_problems(
    sandbox: SandboxSettings | None, http: HttpSettings | None, wallet: WalletSettings | None
) -> Iterator[str]:
    """Yield a line if the pages of the test games would have no address."""
    if sandbox is None or http is None or wallet is None:
        return
    if http.bind.startswith("fd:") and sandbox.url is None:
        yield "sandbox.url: is missing, expected the address of the socket of [http] bind"


def sandbox_problems(
    sandbox: SandboxSettings | None,
    http: HttpSettings | None,
    sink: SinkSettings,
    dead_letters: DeadLetterSettings,
) -> Iterator[str]:
    """Yield a line for each name that the sandbox may not have, and one if there is no port."""
    if sandbox is None:
        return
    if http is None:
        yield "sandbox: only test keys use it, expected a table [http]"
    yield from _doubles(
        ("sink.stream", sink.stream),
        ("dead_letters.stream", dead_letters.stream),
        ("sandbox.stream", sandbox.stream),
        ("sandbox.dead_letters", sandbox.dead_letters),
    )
    yield from _doubles(
        ("dead_letters.subject_prefix", dead_letters.subject_prefix),
        ("sandbox.subject_prefix", sandbox.subject_prefix),
        ("sandbox.dead_subject_prefix", sandbox.dead_subject_prefix),
    )


def _doubles(*options: tuple[str, str]) -> Iterator[str]:
    """Yield a line for each option of the sandbox with the same name as an option before it."""
    owners: dict[str, str] = {}
    for option, name in options:
        if name in owners and option.startswith("sandbox."):
            yield f"{option}: holds {name!r} like {owners[name]}, expected another"
        owners.setdefault(name, option)


def meeting_problems(
    sandbox: SandboxSettings | None,
    live: Mapping[str, str],
    readers: Mapping[str, NatsListenerSettings],
) -> Iterator[str]:
    """Yield a line for each option that lets live events and events of the sandbox meet.

    Args:
        sandbox: The options of the sandbox. None if there is no sandbox.
        live: The option that puts live events on a subject, by this subject.
        readers: The listeners that read from the sink's own server.
    """
    if sandbox is None:
        return
    for option, prefix, stream_option, stream in (
        ("subject_prefix", sandbox.subject_prefix, "stream", sandbox.stream),
        ("dead_subject_prefix", sandbox.dead_subject_prefix, "dead_letters", sandbox.dead_letters),
    ):
        ours = f"{prefix}.>"
        where = f"sandbox.{option}: holds {prefix!r}, expected another: "
        inside = next((subject for subject in live if covers(ours, subject)), None)
        if inside is not None:
            yield f"{where}{live[inside]} puts live events on {inside}"
        for name, settings in readers.items():
            if settings.stream == stream:
                at = f"sandbox.{stream_option}: holds {stream!r}, expected another: "
                yield f"{at}listeners.{name} reads this stream"
            elif settings.stream is None and overlap(ours, settings.subject):
                yield f"{where}listeners.{name} reads {settings.subject} from the same server"
