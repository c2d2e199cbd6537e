"""Reads the TOML file and the environment into one tree of tables, and remembers their places.

Nothing is checked here but what a variable needs to find its table. `load.py` checks the tables.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.config.places import ENVIRONMENT_PREFIX, OptionPlaces
from consumer.errors import ConfigError
from consumer.options.check import EnvironmentText

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_FILE: Final = Path("/etc/consumer/consumer.toml")
"""The configuration of this machine, with which a service runs."""
DEFAULT_FILES: Final = (Path("consumer.toml"), SYSTEM_FILE)


def found_file(path: Path | None) -> Path:
    """Return the path of the configuration file.

    Args:
        path: The file that was asked for. None means the first of `DEFAULT_FILES` that exists.

    Raises:
        ConfigError: None of these files exists.
    """
    if path is not None:
        return path
    found = next((file for file in DEFAULT_FILES if file.is_file()), None)
    if found is None:
        names = " or ".join(str(file) for file in DEFAULT_FILES)
        raise ConfigError(f"no configuration: expected {names}, or --config FILE")
    return found


def read_tables(
    file: Path, environment: Mapping[str, str]
) -> tuple[dict[str, object], OptionPlaces]:
    """Read the file, and put the variables of the environment over it.

    Args:
        file: The file.
        environment: The variables of the process. `CONSUMER__SINK__URL` overrides `[sink] url`.

    Raises:
        ConfigError: The file cannot be read, or a variable names a table that cannot be.
    """
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no such file") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML, or a number of more digits than Python reads
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error
    places = OptionPlaces(file, text)
    _override(tables, environment, places)
    return tables, places


def _override(
    tables: dict[str, object], environment: Mapping[str, str], places: OptionPlaces
) -> None:
    """Put the value of `CONSUMER__A__B` into table a as option b."""
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        *parents, option = variable.removeprefix(ENVIRONMENT_PREFIX).split("__")
        table, path, known_count = tables, [], 0
        for parent in parents:
            name = _existing(table, parent)
            known_count += name in table
            inner = table.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{variable}: {parent.lower()} is not a table")
            table = inner
            path.append(name)
        name = _existing(table, option)
        # The file may hold a secret, or the name of a file with the secret. The environment
        # replaces both. If the environment itself has both, they stay, which is reported later.
        twin = name.removesuffix("_file") if name.endswith("_file") else f"{name}_file"
        if not isinstance(table.get(twin), EnvironmentText):
            table.pop(twin, None)
        table[name] = EnvironmentText(text)
        places.set_by(variable, [*path, name], known_count=known_count)


def _existing(table: dict[str, object], name: str) -> str:
    """Return the key as it is written in the file: a listener's name may have capitals."""
    return next((key for key in table if key.lower() == name.lower()), name.lower())
