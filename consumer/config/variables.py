"""Finds variables of the environment that are meant as options, and that nobody would read.

Between the parts of an option's name stand two underscores, because names hold single underscores.
With one underscore too few, a variable has no effect, and the process would start with another
value than the operator has set.
"""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Final

from consumer.config.places import ENVIRONMENT_PREFIX
from consumer.options.check import is_secret, struct_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import msgspec

_OURS: Final = "CONSUMER_"


def misspelt_variables(
    environment: Iterable[str], tables: Mapping[str, type[msgspec.Struct]]
) -> Iterator[str]:
    """Yield a line for each variable that would be an option if its underscores were right.

    Other variables that begin with `CONSUMER_` are none of ours. `CONSUMER_KEY` is for the command
    line, and Kubernetes makes `CONSUMER_PORT` for a service with the name `consumer`.

    Args:
        environment: The names of the variables.
        tables: The settings struct of each table, by the path of the table.
    """
    names = ["brand"]
    for path, kind in tables.items():
        names += (f"{path}.{name}" for name in _options(kind))
    variables = (ENVIRONMENT_PREFIX + name.replace(".", "__").upper() for name in names)
    right = {_squashed(variable): variable for variable in variables}
    for variable in sorted(environment):
        meant = right.get(_squashed(variable))
        if variable.startswith(_OURS) and meant not in (None, _prefixed_upper(variable)):
            yield f"{variable}: is not read; did you mean {meant}, with two underscores?"


def _options(kind: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the name of each option, and of the options of the tables inside."""
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        yield name
        if is_secret(hint):
            yield f"{name}_file"
        nested = struct_of(hint)
        if nested is not None and typing.get_origin(hint) is not dict:
            yield from (f"{name}.{inner}" for inner in _options(nested))


def _squashed(variable: str) -> str:
    return re.sub("_+", "_", variable).upper()


def _prefixed_upper(variable: str) -> str:
    """Return a variable as it is read: upper and lower case make no difference behind the prefix.

    It is empty for a variable without the prefix.
    """
    return variable.upper() if variable.startswith(ENVIRONMENT_PREFIX) else ""
