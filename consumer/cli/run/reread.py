"""Reads the configuration again on SIGHUP, uses what it can, and names what needs a restart.

Secrets in files and TLS files need no signal: they are read again for each connection. The
configuration is read in a thread: its files may be large, or on a disk that does not answer.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Never

import msgspec
import structlog

from consumer.app import ADOPTED
from consumer.cli.input.configuration import load_config
from consumer.errors import ConfigError
from consumer.operations.daemon_thread import in_daemon_thread
from consumer.options.secret_file import FileSecret
from consumer.stores.base import address_without_login

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from consumer.app import App
    from consumer.config.load import Config

READ_AT_START: Final = "wallet."
"""The options whose secrets are read at the start alone, although they may be in files."""

log = structlog.get_logger()


class Rereading:
    """Knows with which options the process runs, and compares the configuration with them.

    Args:
        config: The configuration of the start.
        path: The file. None means the first of the usual files that exists.
    """

    def __init__(self, config: Config, path: Path | None) -> None:
        self._path = path
        self._running = dict(_options("", config))
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the configuration read. If it is being read now, it is read once more after that."""
        self._asked.set()

    async def run(self, app: App) -> Never:
        """Read the configuration whenever that was asked for, for this daemon.

        Cancelling: nothing more is used of what is being read.
        """
        while True:
            await self._asked.wait()
            self._asked.clear()  # first: the file may change again while it is read
            try:
                await self._adopt_into(app)
            except Exception:  # a bug of ours must not end the daemon
                log.exception("configuration not read again")

    async def _adopt_into(self, app: App) -> None:
        """Read the configuration. Use what has changed and can be used now, and name the rest.

        Nothing is used if the configuration has a mistake. The log says what happened.
        """
        try:
            config = await in_daemon_thread(partial(load_config, self._path), "reread")
        except ConfigError as error:
            _refuse(error.problems)
            return
        if app.is_stopping:
            # The drain has begun with the grace time of before, and its parts are being closed.
            log.info("configuration not used", why="the process stops")
            return
        found = dict(_options("", config))
        changed = {
            name for name in self._running.keys() | found.keys() if self._differs(name, found)
        }
        # A table that comes or goes has no option to change: it switches something on or off.
        adopted = changed & ADOPTED & self._running.keys() & found.keys()
        if adopted:
            # Before the level changes, which may end all lines of this level.
            log.info("configuration has changed: in use now", options=_listed(adopted))
            app.adopt(config)
            self._running |= {name: found[name] for name in adopted}
        if changed - adopted:
            log.warning(
                "configuration has changed: restart to use it", options=_listed(changed - adopted)
            )
        if not changed:
            log.info("configuration has not changed")

    def _differs(self, name: str, found: dict[str, object]) -> bool:
        return self._running.get(name) != found.get(name)


def _refuse(problems: Iterable[str]) -> None:
    log.error("configuration is wrong, and is not used", problems="; ".join(problems))


def _listed(names: set[str]) -> str:
    """Return the names without the values, because these may be secrets."""
    return ", ".join(sorted(names))


def _options(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Give every option with its whole name, and with what a change of it is seen by."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, FileSecret):
        yield f"{prefix}_file", (value.file, _read_at_start(prefix, value))
        return
    if not isinstance(value, dict):
        yield prefix, value
        return
    for name, inner in value.items():
        yield from _options(f"{prefix}.{name}" if prefix else str(name), inner)


def _read_at_start(name: str, secret: FileSecret) -> str:
    """Return the part of a secret in a file that no new connection reads again."""
    if name.startswith(READ_AT_START):
        return str(secret)
    return address_without_login(secret) if name == "dedupe.url" else ""
