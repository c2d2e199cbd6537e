"""Asks a process for `/metrics` and `/readyz`, and reads the answers."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from consumer.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric
    from prometheus_client.samples import Sample

TIMEOUT_S: Final = 2.0
ANSWER_MAX_BYTES: Final = 16 * 1024 * 1024
"""A process with a hundred listeners answers with less than a megabyte."""
# A proxy that the environment names is not used: it could not reach a loopback address.
_open: Final = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class ProcessAwayError(Exception):
    """The process did not answer. The text says why."""


class _ReadinessPart(msgspec.Struct):
    """A part of the process, as `/readyz` describes it."""

    up: bool
    why: str = ""


class _ReadinessApart(msgspec.Struct):
    """Parts that `/readyz` shows apart, because they do not count."""

    parts: dict[str, _ReadinessPart] = {}


class _Readiness(msgspec.Struct):
    """The answer of `/readyz`."""

    draining: bool = False
    parts: dict[str, _ReadinessPart] = {}
    sandbox: _ReadinessApart = msgspec.field(default_factory=_ReadinessApart)
    wallet: _ReadinessApart = msgspec.field(default_factory=_ReadinessApart)
    outbox: _ReadinessApart = msgspec.field(default_factory=_ReadinessApart)

    def whys(self) -> dict[str, str]:
        """Return what is wrong with each part that is down, by its name."""
        found = {name: part.why for name, part in self.parts.items() if not part.up}
        parts_apart = {"sandbox": self.sandbox, "wallet": self.wallet, "outbox": self.outbox}
        for where, apart in parts_apart.items():
            for name, part in apart.parts.items():
                if not part.up:
                    # A listener and a lane have names of their own, the other parts not.
                    is_own = name.startswith(("listener ", "lane "))
                    found[name if is_own else f"{where} {name}"] = part.why
        return found


class PortReading(msgspec.Struct, frozen=True):
    """What a process has counted at its public port since it started.

    Attributes:
        connections_count: The number of open connections.
        requests: The number of answered requests, by status.
        shed: The number of connections and requests that were cut off or refused, by reason.
        key_refusals: The number of requests refused because of their key, by reason.
        readers_count: The number of open streams of events.
        sent_count: The number of events that were sent over streams.
        let_go: The number of streams that were closed before their client left, by reason.
    """

    connections_count: int
    requests: dict[str, float]
    shed: dict[str, float]
    key_refusals: dict[str, float]
    readers_count: int = 0
    sent_count: float = 0.0
    let_go: dict[str, float] = {}

    @property
    def is_used(self) -> bool:
        """True if anything ever happened at the port. Without `[http]`, nothing does."""
        return bool(self.connections_count or self.requests or self.shed or self.key_refusals)


class WalletReading(msgspec.Struct, frozen=True):
    """What a process has counted at its wallet since it started, and how its ledgers are.

    Attributes:
        callbacks: The number of answered callbacks, by verb and code.
        within: The number of callbacks that were answered within a time, by the time in seconds.
        outbox_age_s: The age of the oldest row in the outbox, in seconds, by environment.
        faults_count: The number of places where the books do not fit.
    """

    callbacks: dict[str, float]
    within: dict[float, float]
    outbox_age_s: dict[str, float]
    faults_count: int


class ProcessReading(msgspec.Struct, frozen=True):
    """What a process said at one moment.

    Attributes:
        at_s: The moment, by a monotonic clock.
        started_s: When the process started, in seconds since 1970. 0 means that it did not say.
        values: The value of each metric of each listener, by listener and then by the metric's
            name without `consumer_` and `_total`. Values that differ in other labels are added up.
        whys: What is wrong with each part that is down, by the name of the part in `/readyz`. The
            parts of the sandbox are among them.
        port: What was counted at the public port.
        wallet: What was counted at the wallet.
        draining: If true, the process takes in no new messages.
    """

    at_s: float
    started_s: float
    values: dict[str, dict[str, float]]
    whys: dict[str, str]
    port: PortReading
    wallet: WalletReading
    draining: bool = False


def read(url: str) -> ProcessReading:
    """Ask a process, and block until it has answered.

    Each of the two requests ends if no data come for `TIMEOUT_S`.

    Raises:
        ProcessAwayError: There was no answer, or it is not the answer of a consumer.
    """
    try:
        metrics = _get(f"{url}/metrics").decode()
        return parse(metrics, _get(f"{url}/readyz"), SYSTEM_CLOCK.monotonic_s())
    except OSError as error:
        raise ProcessAwayError(_why(error)) from error
    except (ValueError, http.client.HTTPException) as error:
        raise ProcessAwayError("this is not the operations port of a consumer") from error


def _get(url: str) -> bytes:
    try:
        with _open(url, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read(ANSWER_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:  # `/readyz` answers 503 while something is down, with the reasons in its body
            body = error.read(ANSWER_MAX_BYTES + 1)
    if len(body) > ANSWER_MAX_BYTES:
        raise ValueError(f"the answer has more than {ANSWER_MAX_BYTES} bytes")
    return body


def _why(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: does it run?"
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    return str(cause) or type(cause).__name__


def parse(metrics: str, readiness: bytes, at_s: float) -> ProcessReading:
    """Make a reading of the answers of `/metrics` and `/readyz`.

    Raises:
        ValueError: These are not the metrics of a consumer.
    """
    values: defaultdict[str, defaultdict[str, float]]
    values = defaultdict(lambda: defaultdict(float))
    started_s, is_ours = 0.0, False
    families = list(text_string_to_metric_families(metrics))
    for family in families:
        is_ours = is_ours or family.name == "consumer_build_info"
        if family.name == "process_start_time_seconds":
            started_s = family.samples[0].value
        if family.type == "histogram" or not family.name.startswith("consumer_"):
            continue
        name = family.name.removeprefix("consumer_")
        for labelled in family.samples:
            if "listener" in labelled.labels:
                values[labelled.labels["listener"]][name] += labelled.value
    if not is_ours:
        raise ValueError("not the metrics of a consumer")
    ready = msgspec.json.decode(readiness, type=_Readiness)
    return ProcessReading(
        at_s=at_s,
        started_s=started_s,
        values={listener: dict(by_name) for listener, by_name in values.items()},
        whys=ready.whys(),
        port=_port(families),
        wallet=_wallet(families),
        draining=ready.draining,
    )


def _port(families: Iterable[Metric]) -> PortReading:
    """Read what was counted at the public port."""
    by_name = {family.name: family.samples for family in families}

    def counted(name: str, label: str) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for labelled in by_name.get(name, ()):
            found[labelled.labels[label]] += labelled.value
        return dict(found)

    def summed(name: str) -> float:
        return sum(labelled.value for labelled in by_name.get(name, ()))

    return PortReading(
        connections_count=int(summed("consumer_http_connections")),
        requests=counted("consumer_http_requests", "status"),
        shed=counted("consumer_http_shed", "reason"),
        key_refusals=counted("consumer_key_refusals", "reason"),
        readers_count=int(summed("consumer_stream_readers")),
        sent_count=summed("consumer_stream_sent"),
        let_go=counted("consumer_stream_let_go", "reason"),
    )


def _wallet(families: Iterable[Metric]) -> WalletReading:
    """Read what was counted at the wallet."""
    by_name = {family.name: family.samples for family in families}

    def not_of_test(name: str) -> list[Sample]:
        """Return the samples without those of the sandbox, where nobody waits for an answer."""
        return [one for one in by_name.get(name, ()) if one.labels["environment"] != "test"]

    callbacks: defaultdict[str, float] = defaultdict(float)
    for one in not_of_test("consumer_wallet_callbacks"):
        callbacks[f"{one.labels['verb']} {one.labels['code']}"] += one.value
    within: defaultdict[float, float] = defaultdict(float)
    for one in not_of_test("consumer_wallet_callback_seconds"):
        if "le" in one.labels:
            within[float(one.labels["le"])] += one.value
    faults = by_name.get("consumer_wallet_faults", ())
    return WalletReading(
        callbacks=dict(callbacks),
        within=dict(within),
        outbox_age_s={
            one.labels["environment"]: one.value
            for one in by_name.get("consumer_wallet_outbox_age_seconds", ())
        },
        faults_count=int(sum(one.value for one in faults)),
    )
