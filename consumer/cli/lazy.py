"""Imports the work of a verb when the verb is called, and not before.

`consumer --help` and the check of the options would otherwise wait for three broker libraries. The
price is that no type checker sees through a name in a string. So a test imports every name that is
given to `LazyCall`, and compares the function's parameter with the options that it will get.
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
"""What runs a coroutine. A verb that runs the daemon takes uvloop, as production does."""


def imported(name: str) -> object:
    """Import a module and return what it holds under a name.

    Args:
        name: Module and name, as in `consumer.cli.tap.show:show`.
    """
    module, _, attribute = name.partition(":")
    held: object = getattr(import_module(module), attribute)
    return held


class LazyCall(Generic[OptionsT]):
    """The work of a verb: a function of its options, known by its name.

    The function returns an `ExitCode`. It may be a coroutine function.

    Args:
        name: Module and function, as in `consumer.cli.tap.show:show`.
        options_type: The type of the function's only parameter.
        loop: What runs a coroutine, `ON_ASYNCIO` or `ON_UVLOOP`.
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
