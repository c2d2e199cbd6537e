"""Shows on a terminal that a verb is at work: a progress bar, or a spinner.

Both are written to standard error and vanish at the end, so that standard output holds nothing but
the answer. Where standard error is not a terminal, they show nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def is_shown() -> bool:
    """Tell whether progress is shown, which means that standard error is a terminal."""
    return Console(stderr=True).is_terminal


@contextlib.contextmanager
def progress_bar(doing: str, total_count: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar during the block. Yield the function that moves the bar forward.

    Args:
        doing: The words in front of the bar.
        total_count: The number of items to process. None means that the number is not known.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(doing, total=total_count)
        yield lambda done_count: progress.advance(task, done_count)


@contextlib.contextmanager
def spinner(doing: str) -> Iterator[None]:
    """Show a spinner and what is being done, during the block."""
    console = Console(stderr=True)
    with console.status(doing) if console.is_terminal else contextlib.nullcontext():
        yield
