"""What verbs print with: safe text, a pipe's end, and what a person gives."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import stat
import sys
from typing import TYPE_CHECKING, Final

import click

from consumer.clock import SYSTEM_CLOCK
from consumer.events import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")


def printable(text: str, *, keep: str = "") -> str:
    r"""Escape whatever could move a terminal's cursor or reverse its text (`\x1b`, `\u202e`).

    Args:
        text: written by an outsider.
        keep: characters to leave alone, such as a line's end.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else ascii(char)[1:-1] for char in text
    )


def human_bytes(count: int) -> str:
    """Write a size as `1.5 kB`."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  # the step between units
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


@contextlib.contextmanager
def ended_by_closed_pipe() -> Iterator[None]:
    """End the block as soon as nobody reads standard output any more, such as `head`.

    Writing would tell as well, but only when there is something to write.

    Raises:
        BrokenPipeError: nobody does.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    pipe = _pipe()
    if pipe is None or task is None:
        yield
        return
    closed = False

    def on_closed() -> None:
        nonlocal closed
        closed = True
        loop.remove_reader(pipe)
        task.cancel()

    # The writing end of a pipe is never readable; what wakes us is the end of the other one.
    loop.add_reader(pipe, on_closed)
    try:
        yield
    except asyncio.CancelledError:
        if not closed:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(pipe)


def _pipe() -> int | None:
    try:
        number = sys.stdout.fileno()
    except io.UnsupportedOperation:  # a test's
        return None
    return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None


class Since(click.ParamType[float]):
    """A point in time: RFC 3339, or how long ago; seconds since 1970."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        text = str(value).strip()
        ago = _AGO.fullmatch(text)
        if ago:
            return SYSTEM_CLOCK.now_s() - float(ago[1]) * _UNITS_S[ago[2]]
        try:
            return timestamp.parse(text).epoch_s
        except ValueError:
            self.fail(f"{text!r}: expected 30m, 1h, 2d or 2026-01-31T12:00:00Z", param, ctx)


class Duration(click.ParamType[float]):
    """How long: `2s`, `1.5m`; seconds."""

    name = "DURATION"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        match = _AGO.fullmatch(str(value).strip())
        seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
        if not seconds:
            self.fail(f"{value!r}: expected 2s, 0.5s or 1m", param, ctx)
        return seconds


class Share(click.ParamType[float]):
    """A part of all: `10%`, or `0.1`."""

    name = "PERCENT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        match = _PERCENT.fullmatch(str(value).strip())
        ratio = float(match[1]) / (100 if match[2] else 1) if match else -1.0
        if not 0 <= ratio <= 1:
            self.fail(f"{value!r}: expected 0% to 100%, such as 10% or 0.1", param, ctx)
        return ratio


def known_type(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Return a message type's name as the catalogue has it; for click, which may have none."""
    from consumer.events.registry import CATALOGUE, find  # noqa: PLC0415  # `--help` is quick

    if name is None:
        return None
    found = find(name)
    if found is None:
        known = ", ".join(sorted(one.name for one in CATALOGUE))
        raise click.BadParameter(f"{name!r}: expected one of {known}")
    return found.name
