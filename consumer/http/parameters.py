"""Reads the parameters of a request, from its query or its body, into a struct."""

from __future__ import annotations

import typing
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from consumer.errors import Misfit
from consumer.http.answer import Problem
from consumer.options.check import expected, shown

if TYPE_CHECKING:
    from consumer.http.request import Request

Parameters = TypeVar("Parameters", bound=msgspec.Struct)
PARAMETERS_MAX_COUNT: Final = 200
"""The largest number of parameters in a query."""
BODY_MAX_BYTES: Final = 64 * 1024
"""The largest size of a body that is no event, in bytes."""


def read_query(request: Request, kind: type[Parameters]) -> Parameters:
    """Return the parameters in the query of a request.

    A field that is a tuple takes a parameter that may stand several times.

    Raises:
        Problem: 400: a parameter is unknown, missing, stands twice, or has another value than was
            expected.
    """
    try:
        pairs = parse_qsl(
            request.query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            encoding="utf-8",
            errors="strict",
            max_num_fields=PARAMETERS_MAX_COUNT,
        )
    except ValueError:
        raise refused([Misfit("", "a query with valid parameters", "another text")]) from None
    sent: dict[str, list[str]] = {}
    for name, text in pairs:
        sent.setdefault(name, []).append(text)
    lists = {one.sent_name for one in _parameters_of(kind) if one.is_list}
    values: dict[str, object] = {}
    misfits: list[Misfit] = []
    for name, texts in sent.items():
        is_list = name in lists
        if not is_list and len(texts) > 1:
            misfits.append(Misfit(name, "one value", f"{len(texts)} values"))
        values[name] = tuple(texts) if is_list else texts[0]
    return _converted(values, kind, misfits, strict=False)


def read_object(body: bytes, kind: type[Parameters]) -> Parameters:
    """Return the parameters in a body, which has to be a JSON object. An empty body is `{}`.

    Raises:
        Problem: 400: the body is no object, or a field is unknown, missing, or has another value
            than was expected.
    """
    try:
        values = msgspec.json.decode(body or b"{}", type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refused([Misfit("", "a JSON object", shown(body[:40].decode("latin-1")))]) from None
    return _converted(values, kind, [], strict=True)


def _converted(
    values: dict[str, object], kind: type[Parameters], misfits: list[Misfit], *, strict: bool
) -> Parameters:
    fields = _parameters_of(kind)
    known = [field.sent_name for field in fields]
    words = f"one of: {', '.join(known)}" if known else "no parameter"
    misfits += [Misfit(name, words, "this name") for name in values if name not in known]
    given: dict[str, object] = {}
    for field in fields:
        name = field.sent_name
        if name not in values:
            if field.is_required:
                misfits.append(Misfit(name, _words(field.hint), None))
            continue
        value = values[name]
        try:
            given[field.name] = msgspec.convert(value, field.hint, strict=strict)
        except msgspec.ValidationError:
            found = shown(value[0] if isinstance(value, tuple) and len(value) == 1 else value)
            misfits.append(Misfit(name, _words(field.hint), found))
    if misfits:
        raise refused(misfits)
    return kind(**given)


def _words(hint: object) -> str:
    """Return what a parameter may be, in words."""
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, type) and issubclass(part, Enum):
            return " or ".join(str(one.value) for one in part)
    return expected(hint)


def refused(misfits: list[Misfit]) -> Problem:
    """Return the answer to a request that has these faults."""
    detail = "; ".join(map(str, misfits))
    return Problem(400, "invalid", detail, errors=misfits)


class _Parameter(msgspec.Struct, frozen=True):
    """A field of a struct, which is a parameter of a request.

    Attributes:
        name: Its name in the struct.
        sent_name: Its name in a request.
        hint: Its type.
        is_required: True if it has no default.
        is_list: True if it is a tuple.
    """

    name: str
    sent_name: str
    hint: Any
    is_required: bool
    is_list: bool


@cache
def _parameters_of(kind: type[msgspec.Struct]) -> tuple[_Parameter, ...]:
    hints = typing.get_type_hints(kind, include_extras=True)
    plain_hints = typing.get_type_hints(kind)
    return tuple(
        _Parameter(
            field.name,
            field.encode_name,
            hints[field.name],
            field.required,
            typing.get_origin(plain_hints[field.name]) is tuple,
        )
        for field in msgspec.structs.fields(kind)
    )
