"""Reads `/metrics` and `/readyz` of a process, and makes rates of two readings."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections import defaultdict
from typing import Final
from urllib.parse import urlsplit

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from consumer.clock import SYSTEM_CLOCK

TIMEOUT_S: Final = 2.0
# Never through a proxy of the environment: it could not reach a loopback address.
_open: Final = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

_COUNTERS: Final = ("received", "forwarded", "duplicates", "dead_letters")


class _Part(msgspec.Struct):
    up: bool
    why: str = ""


class _Readiness(msgspec.Struct):
    draining: bool = False
    parts: dict[str, _Part] = {}


class Reading(msgspec.Struct, frozen=True):
    """What a process said at one moment.

    Attributes:
        at_s: by a monotonic clock.
        started_s: when the process started, in seconds since 1970; 0: unknown.
        samples: by listener and metric, without `consumer_` and `_total`; other labels summed up.
        whys: what is wrong with each part that is down, by its name in `/readyz`.
        draining: it takes nothing new.
    """

    at_s: float
    started_s: float
    samples: dict[str, dict[str, float]]
    whys: dict[str, str]
    draining: bool = False


class Away(Exception):
    """The process did not answer; the text says how."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One listener in one interval; a rate is None where there are not two readings to compare.

    Attributes:
        process: address of its operations port.
        listener: its name; None: the process is away.
        state: `up`, `down`, `draining`, or `away`.
        lag: messages that wait at the source; None: unknown.
        why: what is wrong, and what to do; empty: nothing.
    """

    process: str
    listener: str | None
    state: str
    received_per_s: float | None = None
    forwarded_per_s: float | None = None
    duplicates_ratio: float | None = None
    dead_letters_per_s: float | None = None
    dead_letters_count: int | None = None
    lag: int | None = None
    in_flight_count: int | None = None
    oldest_s: float | None = None
    why: str = ""


def base_url(text: str) -> str:
    """Return the URL of an operations port from what a person writes.

    Raises:
        ValueError: it is none.
    """
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return url.rstrip("/")


def reachable(bind: str) -> str:
    """Return the URL at which a process that is bound so can be asked from here."""
    host, _, port = bind.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://{here}:{port}"


def read(url: str) -> Reading:
    """Ask a process. Blocks for up to twice `TIMEOUT_S`.

    Raises:
        Away: no answer, or not that of a consumer.
    """
    try:
        metrics = _get(f"{url}/metrics").decode()
        return read_metrics(metrics, _get(f"{url}/readyz"), SYSTEM_CLOCK.monotonic_s())
    except OSError as error:
        raise Away(_why(error)) from error
    except (ValueError, http.client.HTTPException) as error:
        raise Away("this is not the operations port of a consumer") from error


def _get(url: str) -> bytes:
    try:
        with _open(url, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:  # 503 of `/readyz` is an answer
            body = error.read()
    return body


def _why(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: does it run?"
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    return str(cause) or type(cause).__name__


def read_metrics(metrics: str, readiness: bytes, at_s: float) -> Reading:
    """Make a reading of the answers of `/metrics` and `/readyz`.

    Raises:
        ValueError: these are no metrics of a consumer.
    """
    samples: defaultdict[str, defaultdict[str, float]]
    samples = defaultdict(lambda: defaultdict(float))
    started_s, is_ours = 0.0, False
    for family in text_string_to_metric_families(metrics):
        is_ours = is_ours or family.name == "consumer_build_info"
        if family.name == "process_start_time_seconds":
            started_s = family.samples[0].value
        if family.type == "histogram" or not family.name.startswith("consumer_"):
            continue
        for sample in family.samples:
            if "listener" in sample.labels:
                name = family.name.removeprefix("consumer_")
                samples[sample.labels["listener"]][name] += sample.value
    if not is_ours:
        raise ValueError("no metrics of a consumer")
    ready = msgspec.json.decode(readiness, type=_Readiness)
    whys = {name: part.why for name, part in ready.parts.items() if not part.up}
    plain = {listener: dict(values) for listener, values in samples.items()}
    return Reading(at_s, started_s, plain, whys, ready.draining)


def rows(process: str, before: Reading | None, now: Reading) -> list[Row]:
    """Compare two readings of a process; the first of its life has no rates."""
    if before is not None and before.started_s != now.started_s:
        before = None
    return [_row(process, name, before, now) for name in sorted(now.samples)]


def _row(process: str, name: str, before: Reading | None, now: Reading) -> Row:
    values = now.samples[name]
    rates = _rates(name, before, now)
    received, duplicates = rates.get("received"), rates.get("duplicates")
    lag = values.get("lag", -1)
    whys = (now.whys.get(f"listener {name}"), now.whys.get(f"lane {name}"))
    state = "up" if values.get("listener_up") else "down"
    return Row(
        process=process,
        listener=name,
        state="draining" if now.draining else state,
        received_per_s=received,
        forwarded_per_s=rates.get("forwarded"),
        duplicates_ratio=min(1.0, duplicates / received)
        if received and duplicates is not None
        else None,
        dead_letters_per_s=rates.get("dead_letters"),
        dead_letters_count=int(values.get("dead_letters", 0)),
        lag=int(lag) if lag >= 0 else None,
        in_flight_count=int(values.get("in_flight", 0)),
        oldest_s=round(values.get("oldest_unsettled_seconds", 0.0), 3),
        why="; ".join(why for why in whys if why),
    )


def _rates(name: str, before: Reading | None, now: Reading) -> dict[str, float]:
    """Return each counter's growth a second; none where one went down: it is another process."""
    if before is None or name not in before.samples or now.at_s <= before.at_s:
        return {}
    took_s = now.at_s - before.at_s
    # A counter with further labels is not there before its first event.
    grown = {
        counter: now.samples[name].get(counter, 0.0) - before.samples[name].get(counter, 0.0)
        for counter in _COUNTERS
    }
    if min(grown.values()) < 0:
        return {}
    return {counter: round(growth / took_s, 3) for counter, growth in grown.items()}
