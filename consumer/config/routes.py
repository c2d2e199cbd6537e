"""Checks the table `[routes]`: other subjects for events, in place of their own or beside it.

`events/subjects.py` tells where an event goes in the end, and `pipeline/route.py` makes its
messages. Subjects in this module are without the operator's prefix, unless the text says otherwise.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from consumer.events.registry import subject_families, subjects
from consumer.events.subjects import Routes, keys, targets_of
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.nats.subjects import covers
from consumer.options.check import EnvironmentText, shown
from consumer.options.values import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.dead_letters.stream import DeadLetterSettings
    from consumer.listeners.base import ListenerSettings
    from consumer.sinks.base import SinkSettings

TARGETS_MAX_COUNT: Final = 8
TARGET_PATTERN: Final = rf"^(?!_){TOKEN}(\.(\*|{TOKEN})(\.{TOKEN}){{0,6}})?$"
"""No subject may begin with `_`, because subjects such as `_INBOX` belong to NATS."""
EXPECTED_TARGET: Final = (
    "a subject of 1 to 8 tokens of A-Z a-z 0-9 _ -, not beginning with _, with * only as the whole "
    "second token and under a key such as game.*"
)
NATS_PORT: Final = 4222

_is_target: Final = re.compile(TARGET_PATTERN).fullmatch


def read_routes(table: dict[str, object], problems: list[str]) -> dict[str, list[str]]:
    """Check the table by itself, and return the targets of each key.

    `clashes` compares the table with other tables.

    Args:
        table: The table as the file or the environment holds it.
        problems: The list that gets one line for each mistake.
    """
    known = keys()
    before = len(problems)
    routes: dict[str, list[str]] = {}
    for key, held in table.items():
        if key not in known:
            problems.append(_unknown(key, held, known))
            continue
        targets = _listed(held)
        if 1 <= len(targets) <= TARGETS_MAX_COUNT:
            routes[key] = [target for target in targets if isinstance(target, str)]
            problems += _misfits(key, targets)
        else:
            expected = f"a subject or a list of 1 to {TARGETS_MAX_COUNT}"
            problems.append(f"{_path(key)}: holds {shown(held)}, expected {expected}")
    if len(problems) == before:
        problems += dict.fromkeys(_mixed_up(routes))
    return routes


def clashes(
    routes: Routes,
    sink: SinkSettings,
    dead_letters: DeadLetterSettings,
    listeners: Mapping[str, ListenerSettings],
) -> list[str]:
    """Return a line for each target on which dead letters are written or a listener reads."""
    prefix = f"{sink.subject_prefix}." if sink.subject_prefix else ""
    letters = f"{dead_letters.subject_prefix}.>"
    consumed = readers_of(sink, listeners)
    found: dict[str, None] = {}
    for key, listed, _, target in _outputs(routes):
        held = f"{_path(key)}: holds {listed!r}, expected a subject that"
        if covers(letters, prefix + target):
            found[f"{held} is not under the dead letters' {letters}"] = None
        for name, settings in consumed.items():
            if covers(settings.subject, prefix + target):
                found[
                    f"{held} no listener takes in again: listeners.{name} consumes "
                    f"{settings.subject} from the same server"
                ] = None
    return list(found)


def _path(key: str) -> str:
    return f'routes."{key}"'


def _unknown(key: str, held: object, known: tuple[str, ...]) -> str:
    if isinstance(held, dict):
        # This is how TOML reads `game.bet = …` without quotes.
        return f'routes.{key}: holds a table, expected keys in quotes such as "{known[-1]}"'
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    families = ", ".join(subject_families())
    advice = f"did you mean {near[0]}?" if near else f"expected {families}, or a subject of these"
    return f"{_path(key)}: there is no such subject; {advice}"


def _listed(held: object) -> list[object]:
    """Return the unchecked targets; an empty list if the value is neither text nor a list."""
    if isinstance(held, EnvironmentText):
        readings = reversed(held.readings())
        held = next(each for each in readings if isinstance(each, str | list))
    if isinstance(held, str):
        return [held]
    return held if isinstance(held, list) else []


def _misfits(key: str, targets: list[object]) -> Iterator[str]:
    """Yield a line for each target that is no subject, or that is listed twice."""
    for index, target in enumerate(targets):
        fits = isinstance(target, str) and _is_target(target) is not None
        if not fits or ("*" in str(target) and not key.endswith(".*")):
            yield f"{_path(key)}: holds {shown(target)}, expected {EXPECTED_TARGET}"
        elif target in targets[:index]:
            yield f"{_path(key)}: holds {target!r} twice, expected each subject once"


def _outputs(routes: Routes) -> Iterator[tuple[str, str, str, str]]:
    """Yield four texts for each target of each routed event.

    They are the key in the table, the target as the table lists it, the event's own subject, and
    the target with its wildcard filled in.
    """
    for subject in subjects():
        family = f"{subject.partition('.')[0]}.*"
        key = next((key for key in (subject, family) if key in routes), None)
        if key is not None:
            for listed, target in zip(routes[key], targets_of(subject, routes), strict=True):
                yield key, listed, subject, target


def _mixed_up(routes: Routes) -> Iterator[str]:
    """Yield a line for each target on which subscribers would mix up events.

    That is a target that is another event's own subject, or that gets the same event twice.
    """
    own = set(subjects())
    seen: set[tuple[str, str]] = set()
    for key, listed, subject, target in _outputs(routes):
        if target in own and target != subject:
            yield (
                f"{_path(key)}: holds {listed!r}, which puts {subject} on {target}, expected "
                "no other event's own subject"
            )
        if (subject, target) in seen:
            yield f"{_path(key)}: holds {target!r} twice for {subject}, expected each subject once"
        seen.add((subject, target))


def readers_of(
    sink: SinkSettings, listeners: Mapping[str, ListenerSettings]
) -> dict[str, NatsListenerSettings]:
    """Return the listeners that read from the sink's own server, by name."""
    ours = _servers(sink.url)
    return {
        name: settings
        for name, settings in listeners.items()
        if isinstance(settings, NatsListenerSettings) and ours & _servers(settings.url)
    }


def _servers(url: str) -> set[tuple[str, int]]:
    """Return the host and the port of each server in a NATS URL, as they are written."""
    found = set()
    for server in url.split(","):
        try:
            parts = urlsplit(server if "://" in server else f"nats://{server}")
            found.add((parts.hostname or "", parts.port or NATS_PORT))
        except ValueError:  # not an address or not a port; connecting will report that
            continue
    return found
