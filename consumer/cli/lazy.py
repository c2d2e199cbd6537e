"""Imports the work of a verb when the verb is called, and not before.

Otherwise `consumer --help` and the check of the options would wait for the import of three broker
libraries. But no type checker can check a function whose name is in a string. So a test imports
every name that is given to `LazyCall`, and compares the parameter of the function with the type of
the options that it will get.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)
ExitCode = int | None
"""What the work of a verb returns: the exit code of the process, or None for exit code 0."""

ON_ASYNCIO: Final = "asyncio:run"
ON_UVLOOP: Final = "consumer.cli.on_uvloop:run"
"""The names of the functions that run a coroutine. The verbs that run the daemon use uvloop."""


def imported(name: str) -> object:
    """Import a module and return one of its attributes.

    Args:
        name: The module and the attribute, as in `consumer.cli.tap.show:show`.
    """
    module, _, attribute = name.partition(":")
    held: object = getattr(import_module(module), attribute)
    return held


class LazyCall(Generic[OptionsT]):
    """The work of a verb: a function that is given by its name.

    The function takes the options and returns an `ExitCode`. It may be a coroutine function.

    Args:
        name: The module and the function, as in `consumer.cli.tap.show:show`.
        options_type: The type of the function's only parameter.
        loop: The name of the function that runs a coroutine: `ON_ASYNCIO` or `ON_UVLOOP`.
    """

    def __init__(self, name: str, options_type: type[OptionsT], *, loop: str = ON_ASYNCIO) -> None:
        self.name = name
        self.options_type = options_type
        self.loop = loop

    def __call__(self, options: OptionsT) -> NoReturn:
        """Import the function, run it to its end, and end the process with its exit code.

        Raises:
            SystemExit: Always, unless the function raises something else.
        """
        work = imported(self.name)
        if inspect.iscoroutinefunction(work):
            start = cast("Callable[[OptionsT], Coroutine[None, None, ExitCode]]", work)
            run = cast("Callable[[Coroutine[None, None, ExitCode]], ExitCode]", imported(self.loop))
            sys.exit(run(start(options)))
        sys.exit(cast("Callable[[OptionsT], ExitCode]", work)(options))
