"""Opens a file that a person has named, or standard input."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.errors import ConsumerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

STANDARD_INPUT: Final = "-"


@contextlib.contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """Open a file for the block; `-` is standard input.

    Raises:
        ConsumerError: The file cannot be read.
    """
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise ConsumerError(f"{file}: cannot be read: {error.strerror}") from error
        yield stream
