"""Reads times in all forms that senders use, and writes them in one strict form.

A sender's time has the form of RFC 3339. It may also have a one-digit hour, a space in place of the
T, and a comma before the fraction. A time without a zone is taken as UTC. A fraction has one to
nine digits. The vendor's own documentation shows all of these variants except the comma, which Go's
parser accepts: https://github.com/golang/go/issues/54580.

Some libraries write other forms by themselves:

- java.time leaves out seconds that are zero.
- Jackson and PostgreSQL write the zones `+0000` and `+00`, and Rust's `time` writes `+00:00:00`.
- Ruby and SQL Server write a space before the zone, and Ruby and Rust's `chrono` write ` UTC`. Go
  writes the zone's name behind the offset, ` +0100 CET`. A zone without a name has the offset in
  its place, ` -0300 -03`: https://github.com/golang/go/issues/21183.
- RFC 9557 puts the name of a zone in brackets behind the offset.
- The older serializers of .NET write `/Date(1770091506848)/`: milliseconds since 1970, always in
  UTC. An offset may follow, which only says where the time was written.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

FORM: Final = re.compile(
    # Python 3.14 reads hour 24 as the next day, and older versions refuse it.
    r"(\d{4}-\d{2}-\d{2})[Tt ]([01]?\d|2[0-3]):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"(?: ?(?:([Zz]|UTC|GMT)|([+-])(\d{2})(?::?([0-5]\d)(?::00)?)?"
    r"(?: (?:[A-Z]{2,5}|\7\8(?:\9)?))?)"
    r"(?:\[[A-Za-z0-9_+\-\/]{1,64}\])?)?",
    re.ASCII,
)
"""The published schema of what brands send has the same pattern, so it also has to be valid in the
regular expressions of ECMA 262."""
DOTNET_FORM: Final = re.compile(r"\/Date\((-?\d{1,13})(?:[+-]\d{4})?\)\/", re.ASCII)
"""Thirteen digits reach to the year 2286."""
STRICT_FORM: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
"""The form that the vendor's own validator reads as a date with a time: RFC 3339 with T and zone,
but also with a one-digit hour and a comma. The vendor's validator also accepts a day alone or a
time of day alone. They do not name a moment, so they are not a time here."""
_MICRO_DIGITS: Final = 6
_LEAP_SECOND: Final = 60
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_S: Final = 86_400.0
"""The first moment that can be an event's own time: the second day of 1970."""


class Instant(msgspec.Struct, frozen=True, gc=False):
    """A point in time that was read.

    Attributes:
        text: The time in UTC with six digits of fraction, `2015-03-02T08:27:58.100000Z`. Further
            digits are cut off.
        exact: The same as `text`, but with nine digits of fraction if six cannot hold what was
            sent.
        epoch_s: The time in seconds since 1970.
        assumed_utc: If true, the time was sent without a zone.
        unusual: If true, the time has a form that only some libraries write: no seconds, a space
            before the zone, a zone such as `UTC`, `+0000` or `+00`, the name of a zone behind the
            offset, or milliseconds.
    """

    text: str
    exact: str
    epoch_s: float
    assumed_utc: bool
    unusual: bool


def parse(text: str, *, strict: bool = False) -> Instant:
    """Read a time.

    Args:
        text: The time as it was sent.
        strict: If true, only what `STRICT_FORM` describes is accepted.

    Raises:
        ValueError: The text is not a time, or no such day, hour or zone exists.
    """
    match = FORM.fullmatch(text)
    if match is None:
        return _of_dotnet(text, strict=strict)
    if strict and not STRICT_FORM.fullmatch(text):
        raise ValueError("not a time")
    day, hour, minute, second, fraction, zulu, sign, *offset = match.groups()
    # RFC 3339 has the seconds, and ends with Z or with `+01:00`, without a space before it.
    if zulu:
        unusual = text[-1] not in "Zz" or text[-2] == " "
    else:
        unusual = sign is not None and (text[-6] != sign or text[-3] != ":" or text[-7] == " ")
    unusual = unusual or second is None
    second = second or "00"
    leap = int(second) == _LEAP_SECOND
    seconds = f"{day}T{hour:>02}:{minute}:{59 if leap else second}"
    moment = datetime.fromisoformat(f"{seconds}+00:00")
    if sign:
        moment = _to_utc(moment, sign, int(offset[0]), int(offset[1] or 0))
    if leap:
        moment = _after_leap_second(moment)
    if sign or leap:
        seconds = moment.isoformat()[:19]  # strftime would write the year 999 with three digits
    # Zeros at the end mean nothing: .NET always writes seven digits, and Go leaves zeros out.
    digits = (fraction or "").rstrip("0")
    micros = digits[:_MICRO_DIGITS].ljust(_MICRO_DIGITS, "0")
    stamp = f"{seconds}.{micros}Z"
    exact = stamp if len(digits) <= _MICRO_DIGITS else f"{seconds}.{digits.ljust(9, '0')}Z"
    epoch_s = moment.timestamp() + int(micros) / 1e6
    return Instant(stamp, exact, epoch_s, not (zulu or sign), unusual)


def _of_dotnet(text: str, *, strict: bool) -> Instant:
    match = DOTNET_FORM.fullmatch(text)
    if match is None or strict:
        raise ValueError("not a time")
    epoch_ms = int(match[1])
    stamp = (_EPOCH + timedelta(milliseconds=epoch_ms)).isoformat(timespec="microseconds")
    stamp = f"{stamp[:26]}Z"
    return Instant(stamp, stamp, epoch_ms / 1000, assumed_utc=False, unusual=True)


def _to_utc(moment: datetime, sign: str, hours: int, minutes: int) -> datetime:
    offset = timedelta(hours=hours, minutes=minutes)
    zone = timezone(offset if sign == "+" else -offset)
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def _after_leap_second(moment: datetime) -> datetime:
    """Read 23:59:60 as the next day's first second, as POSIX time does."""
    try:
        following = moment + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error
    if (following.hour, following.minute) != (0, 0):
        raise ValueError("a leap second is only at the end of a UTC day")
    return following


def from_epoch_s(epoch_s: float) -> str:
    """Write a time in the strict form, with six digits of fraction."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
