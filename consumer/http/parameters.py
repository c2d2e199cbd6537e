"""Reads the parameters of a request, from its query or its body, into a struct."""

from __future__ import annotations

import typing
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar
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
        raise _refused([Misfit("", "a query with valid parameters", "another text")]) from None
    sent: dict[str, list[str]] = {}
    for name, text in pairs:
        sent.setdefault(name, []).append(text)
    values: dict[str, object] = {}
    misfits: list[Misfit] = []
    for name, texts in sent.items():
        if not _is_list(kind, name) and len(texts) > 1:
            misfits.append(Misfit(name, "one value", f"{len(texts)} values"))
        values[name] = tuple(texts) if _is_list(kind, name) else texts[0]
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
        raise _refused([Misfit("", "a JSON object", shown(body[:40].decode("latin-1")))]) from None
    return _converted(values, kind, [], strict=True)


def _converted(
    values: dict[str, object], kind: type[Parameters], misfits: list[Misfit], *, strict: bool
) -> Parameters:
    hints = typing.get_type_hints(kind, include_extras=True)
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    words = f"one of: {', '.join(known)}" if known else "no parameter"
    misfits += [Misfit(name, words, "this name") for name in values if name not in known]
    given: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name not in values:
            if field.required:
                misfits.append(Misfit(name, _words(hints[field.name]), None))
            continue
        value = values[name]
        try:
            given[field.name] = msgspec.convert(value, hints[field.name], strict=strict)
        except msgspec.ValidationError:
            found = shown(value[0] if isinstance(value, tuple) and len(value) == 1 else value)
            misfits.append(Misfit(name, _words(hints[field.name]), found))
    if misfits:
        raise _refused(misfits)
    return kind(**given)


def _words(hint: object) -> str:
    """Return what a parameter may be, in words."""
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, type) and issubclass(part, Enum):
            return " or ".join(str(one.value) for one in part)
    return expected(hint)


def _refused(misfits: list[Misfit]) -> Problem:
    detail = "; ".join(map(str, misfits))
    return Problem(400, "invalid", detail, errors=misfits)


def _is_list(kind: type[msgspec.Struct], name: str) -> bool:
    hints = typing.get_type_hints(kind)
    return any(
        field.encode_name == name and typing.get_origin(hints[field.name]) is tuple
        for field in msgspec.structs.fields(kind)
    )
