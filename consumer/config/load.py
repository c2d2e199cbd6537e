"""Checks the TOML file and the environment as a whole, before anything starts.

Each mistake becomes one line: where it is, the option, what it holds, and what was expected. The
settings struct of each part, beside that part, says what its options mean.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.access.settings import KeysSettings
from consumer.config.http import (
    HTTP,
    SandboxSettings,
    address_problems,
    meeting_problems,
    port_problems,
    sandbox_problems,
    test_game_problems,
)
from consumer.config.paths import place_paths
from consumer.config.read import found_file, read_tables
from consumer.config.routes import clashes, read_routes, readers_of
from consumer.config.variables import misspelt_variables
from consumer.config.wallet import wallet_problems
from consumer.dead_letters.stream import DeadLetterSettings
from consumer.errors import ConfigError
from consumer.events.registry import CATALOGUE, find, subjects
from consumer.events.subjects import targets_of
from consumer.http.settings import HttpSettings
from consumer.listeners.base import ListenerClass, ListenerSettings
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.nats.connection import NatsSettings, check_login
from consumer.operations.http import OperationsSettings
from consumer.operations.log import LogSettings
from consumer.options.check import (
    build_struct,
    convert,
    in_words,
    no_such,
    report_unknown,
    shown,
)
from consumer.options.values import TlsSettings, Token
from consumer.readers.settings import StreamApiSettings
from consumer.sinks.base import SinkSettings
from consumer.stores.base import DedupeSettings
from consumer.wallet.settings import WalletSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operator can set.

    Attributes:
        brand: The brand of every listener that names no brand of its own.
        listeners: The settings of each listener by its name, in the settings type of its kind.
        routes: The subjects that events go to, by an event's own subject or by the subject's
            family. An event without a route goes to its own subject.
        http: The public port. None means that there is none.
        stream_api: Events out over the public port. None means that there are none.
        sandbox: Where events that were posted with test keys go. None means that test keys are
            refused.
        wallet: Players' money. None means that there is none.
    """

    brand: Token | None = None
    listeners: dict[str, ListenerSettings]
    dedupe: DedupeSettings = DedupeSettings()
    sink: SinkSettings = SinkSettings()
    routes: dict[str, list[str]] = msgspec.field(default_factory=dict)
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    operations: OperationsSettings = OperationsSettings()
    log: LogSettings = LogSettings()
    http: HttpSettings | None = None
    keys: KeysSettings = KeysSettings()
    stream_api: StreamApiSettings | None = None
    sandbox: SandboxSettings | None = None
    wallet: WalletSettings | None = None


TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "dedupe": DedupeSettings,
    "sink": SinkSettings,
    "dead_letters": DeadLetterSettings,
    "operations": OperationsSettings,
    "log": LogSettings,
    "http": HttpSettings,
    "keys": KeysSettings,
    "stream_api": StreamApiSettings,
    "sandbox": SandboxSettings,
    "wallet": WalletSettings,
}
SWITCHES: Final = frozenset(("http", "sandbox", "stream_api", "wallet"))
"""The tables that switch something on. If such a table is absent, it is off."""


def load(
    path: Path | None,
    environment: Mapping[str, str],
    kinds: Mapping[str, ListenerClass],
) -> Config:
    """Read and check the configuration. Opens no connection.

    Args:
        path: The path of the file. None means the first of the usual files that exists.
        environment: The variables of the process. `CONSUMER__SINK__URL` overrides `[sink] url`.
        kinds: The kinds of listener that exist, by name.

    Raises:
        ConfigError: There are mistakes; the text has all of them, each with its place.
    """
    file = found_file(path)
    tables, places = read_tables(file, environment)
    types = _settings_types(tables, kinds)
    for table, kind in types.items():
        place_paths(kind, _table_at(tables, table), file.parent)
    problems = [*misspelt_variables(environment, types)]
    try:
        config = build(tables, kinds)
    except ConfigError as error:
        problems += map(places.located, error.problems)
        raise ConfigError(*problems) from error
    if problems:
        raise ConfigError(*problems)
    return config


def build(tables: dict[str, object], kinds: Mapping[str, ListenerClass]) -> Config:
    """Check the tables of a file, and make the configuration of them.

    Args:
        tables: The tables as the file and the environment hold them.
        kinds: The kinds of listener that exist, by name.

    Raises:
        ConfigError: There are mistakes; the text has all of them.
    """
    problems: list[str] = []
    report_unknown(tables, {"brand", "listeners", "routes", *TABLES}, "", problems)
    brand = tables.get("brand")
    if brand is not None:
        convert(brand, Token, "brand", problems)
    parts: dict[str, Any] = {  # each table has its own type
        name: build_struct(kind, _table(tables, name, problems), name, problems)
        for name, kind in TABLES.items()
        if name in tables or name not in SWITCHES
    }
    listeners = {
        name: settings
        for name, options in _table(tables, "listeners", problems).items()
        if (settings := _listener(name, options, kinds, problems)) is not None
    }
    routes = read_routes(_table(tables, "routes", problems), problems)
    if problems:
        raise ConfigError(*problems)
    top = None if brand is None else str(brand)
    listeners = {name: _branded(settings, top) for name, settings in listeners.items()}
    config = Config(brand=top, listeners=listeners, routes=routes, **parts)
    disagreements = _disagreements(config)
    if disagreements:
        raise ConfigError(*disagreements)
    return config


def _settings_types(
    tables: dict[str, object], kinds: Mapping[str, ListenerClass]
) -> dict[str, type[msgspec.Struct]]:
    """Return the settings struct of each table, by the path of the table."""
    types = {**TABLES}
    for name in _table(tables, "listeners", []):
        path = f"listeners.{name}"
        kind = kinds.get(str(_table_at(tables, path).get("kind")))
        if kind is not None:
            types[path] = kind.settings_type
    return types


def _table_at(tables: dict[str, object], path: str) -> dict[str, object]:
    """Return the table at a path; an empty one if there is none."""
    for name in path.split(".", 1):
        tables = _table(tables, name, [])
    return tables


def _table(tables: dict[str, object], name: str, problems: list[str]) -> dict[str, object]:
    table = tables.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{name}: holds {in_words(table)}, expected a table [{name}]")
    return {}


def _listener(
    name: str,
    options: object,
    kinds: Mapping[str, ListenerClass],
    problems: list[str],
) -> ListenerSettings | None:
    path = f"listeners.{name}"
    convert(name, Token, f"{path}: the name", problems)
    if not isinstance(options, dict):
        problems.append(f"{path}: holds {in_words(options)}, expected a table [{path}]")
        return None
    kind = kinds.get(str(options.get("kind")))
    if kind is None:
        held = f"holds {shown(options['kind'])}" if "kind" in options else "is missing"
        problems.append(f"{path}.kind: {held}, expected {' or '.join(kinds)}")
        return None
    return build_struct(kind.settings_type, options, path, problems)


def _branded(settings: ListenerSettings, brand: str | None) -> ListenerSettings:
    """Give a listener that names no brand the top-level brand."""
    if settings.kind == HTTP:  # the key of a request names the brand
        return settings
    return msgspec.structs.replace(settings, brand=settings.brand or brand)


def _disagreements(config: Config) -> list[str]:
    """Return a line for each mistake among options that are right by themselves."""
    sink, found = config.sink, []
    if not config.listeners:
        found.append("listeners: there is none, expected at least one table [listeners.NAME]")
    found += [
        f"listeners.{name}.brand: is missing, expected it here or as the top-level brand"
        for name, settings in config.listeners.items()
        if settings.brand is None and settings.kind != HTTP
    ]
    if sink.max_age_s < sink.duplicate_window_s:
        found.append(
            f"sink.max_age_s: holds {sink.max_age_s:g}, expected at least "
            f"duplicate_window_s = {sink.duplicate_window_s:g}"
        )
    found += _unfit_windows(config)
    if config.dead_letters.max_age_s < sink.duplicate_window_s:
        found.append(
            f"dead_letters.max_age_s: holds {config.dead_letters.max_age_s:g}, expected at least "
            f"sink.duplicate_window_s = {sink.duplicate_window_s:g}"
        )
    found += clashes(config.routes, sink, config.dead_letters, config.listeners)
    found += port_problems(config.http, config.listeners, sink, reads=config.stream_api is not None)
    found += sandbox_problems(config.sandbox, config.http, sink, config.dead_letters)
    found += test_game_problems(config.sandbox, config.http, config.wallet)
    found += wallet_problems(config.wallet, config.http, config.listeners)
    found += address_problems(config.http, config.operations)
    readers = readers_of(sink, config.listeners)
    found += meeting_problems(config.sandbox, _live_subjects(config), readers)
    found += _unknown_types(config)
    found += _unusable_files(config)
    if sink.stream == config.dead_letters.stream:
        found.append(f"dead_letters.stream: holds {sink.stream!r}, expected another than [sink]'s")
    return found


def _live_subjects(config: Config) -> dict[str, str]:
    """Return every subject of a live event, with what puts the event there."""
    prefix = f"{config.sink.subject_prefix}." if config.sink.subject_prefix else ""
    own = subjects()
    origins = ("sink.subject_prefix",) * 2 if prefix else ("the catalogue", "routes")
    return {
        prefix + target: origins[target not in own]
        for subject in own
        for target in targets_of(subject, config.routes)
    }


def _unfit_windows(config: Config) -> list[str]:
    """Find windows of message types that do not exist, and windows shorter than the sink's."""
    dedupe, least_s = config.dedupe, config.sink.duplicate_window_s
    found: list[str] = []
    types = {name: find(name) for name in dedupe.windows_s}
    times_set = Counter(types.values())
    for name, event_type in types.items():
        if event_type is None:
            found.append(f"dedupe.windows_s.{name}: {_no_such_type(name)}")
        elif times_set[event_type] > 1:
            found.append(f"dedupe.windows_s.{name}: is set twice, expected one spelling of it")
    windows = {"window_s": dedupe.window_s}
    windows |= {f"windows_s.{name}": window_s for name, window_s in dedupe.windows_s.items()}
    found += [
        f"dedupe.{option}: holds {window_s:g}, expected at least "
        f"sink.duplicate_window_s = {least_s:g}"
        for option, window_s in windows.items()
        if window_s < least_s
    ]
    return found


def _unknown_types(config: Config) -> list[str]:
    """Find message types that a listener shall take and that do not exist."""
    return [
        f"listeners.{listener}.types: {_no_such_type(name)}"
        for listener, settings in config.listeners.items()
        for name in settings.types or ()
        if find(name) is None
    ]


def _no_such_type(name: str) -> str:
    known = sorted(event_type.name for event_type in CATALOGUE)
    return no_such("message type", name.upper(), known)


def _unusable_files(config: Config) -> list[str]:
    """Read every TLS file, NKey and credentials file once, so that a mistake is told at once."""
    parts = {"dedupe": config.dedupe, "sink": config.sink}
    parts |= {f"listeners.{name}": settings for name, settings in config.listeners.items()}
    return [
        f"{path}.{problem}"
        for path, settings in parts.items()
        for check in (_check_tls, _check_nats)
        for problem in check(settings)
    ]


def _check_tls(settings: object) -> tuple[str, ...]:
    tls = getattr(settings, "tls", None)
    try:
        if isinstance(tls, TlsSettings):
            tls.context()
    except ConfigError as error:
        return error.problems
    return ()


def _check_nats(settings: object) -> tuple[str, ...]:
    if isinstance(settings, NatsListenerSettings):
        settings = settings.connection()
    try:
        if isinstance(settings, NatsSettings):
            check_login(settings)
    except ConfigError as error:
        return error.problems
    return ()
