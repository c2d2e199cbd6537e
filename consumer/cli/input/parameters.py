"""The kinds of value that a person types: a point in time, a duration, a percentage."""

from __future__ import annotations

import re
from typing import Final

import click

from consumer.clock import SYSTEM_CLOCK
from consumer.events import timestamp
from consumer.options.duration import duration_s

_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")


class TimeParameter(click.ParamType[float]):
    """A point in time, as RFC 3339 or as how long ago it was. It becomes seconds since 1970."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        text = str(value).strip()
        ago_s = duration_s(text)
        if ago_s is not None:
            return SYSTEM_CLOCK.now_s() - ago_s
        try:
            return timestamp.parse(text).epoch_s
        except ValueError:
            self.fail(f"{text!r}: expected 30m, 1h, 2d or 2026-01-31T12:00:00Z", param, ctx)


class LaterParameter(click.ParamType[float]):
    """A point in time, as RFC 3339 or as the time until then. It becomes seconds since 1970."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        text = str(value).strip()
        until_s = duration_s(text)
        if until_s is not None:
            return SYSTEM_CLOCK.now_s() + until_s
        try:
            return timestamp.parse(text).epoch_s
        except ValueError:
            self.fail(f"{text!r}: expected 30m, 24h, 90d or 2026-01-31T12:00:00Z", param, ctx)


class DurationParameter(click.ParamType[float]):
    """A duration such as `2s` or `1.5m`. It becomes seconds.

    Args:
        may_be_zero: If true, `0s` is a duration too.
    """

    name = "DURATION"

    def __init__(self, *, may_be_zero: bool = False) -> None:
        self._may_be_zero = may_be_zero

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        given_s = duration_s(str(value).strip())
        if given_s is None or not (given_s or self._may_be_zero):
            self.fail(f"{value!r}: expected 2s, 0.5s or 1m", param, ctx)
        return given_s


class PercentParameter(click.ParamType[float]):
    """A share such as `10%` or `0.1`. It becomes a ratio from 0 to 1."""

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
