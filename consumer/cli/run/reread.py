"""Reads the configuration again on SIGHUP, and says what a restart would change.

Nothing is changed in the running process. Secrets in files and TLS files need no signal: they are
read again for each connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from consumer.cli.input.configuration import load_config
from consumer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from consumer.config.load import Config

log = structlog.get_logger()


def reread(running: Config, path: Path | None) -> None:
    """Compare the configuration with that of the running process, and log the difference.

    Args:
        running: The configuration of the process.
        path: The file. None means the first of the usual files that exists.
    """
    problems: tuple[str, ...] = ()
    found = running
    try:
        found = load_config(path)
    except ConfigError as error:
        problems = error.problems
    if problems:
        log.error("configuration is wrong, and is not used", problems="; ".join(problems))
        return
    before, after = dict(_options("", running)), dict(_options("", found))
    names = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    if names:
        # The values may be secrets.
        log.warning("configuration has changed: restart to use it", options=", ".join(names))
    else:
        log.info("configuration has not changed")


def _options(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Give every option with its whole name."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if not isinstance(value, dict):
        yield prefix, value
        return
    for name, inner in value.items():
        yield from _options(f"{prefix}.{name}" if prefix else str(name), inner)
