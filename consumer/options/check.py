"""Checks raw options against a settings struct, and writes one line for each mistake.

It also gives every secret a twin option: the option `NAME_file` names a file that holds the secret.
`refresh.py` reads such a file again.
"""

from __future__ import annotations

import contextlib
import difflib
import tomllib
import typing
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from consumer.options.secret_file import FileSecret
from consumer.options.values import Token, annotated_extra

Settings = TypeVar("Settings", bound=msgspec.Struct)

UNREAD: Final = object()
"""Stands for a secret whose file cannot be read. That problem is reported already."""


class EnvironmentText(str):
    """An option from the environment. It is text, which may also be the TOML of another value."""

    __slots__ = ()

    def readings(self) -> tuple[object, ...]:
        """Return all values that the text can mean.

        The text itself comes first, because a password of digits is not a number.
        """
        text = str(self)
        try:
            return text, tomllib.loads(f"value = {text}")["value"]
        except ValueError:  # not TOML, or a number with more digits than Python reads
            return (text,)


def build_struct(
    kind: type[Settings], options: dict[str, object], path: str, problems: list[str]
) -> Settings | None:
    """Make a settings struct, or add every mistake in the options to the problems and return None.

    Each field is checked by itself, because msgspec would stop at the first mistake.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    known = set(hints) | {f"{name}_file" for name, hint in hints.items() if is_secret(hint)}
    report_unknown(options, known, f"{path}.", problems)
    before = len(problems)
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        name, hint = field.name, hints[field.name]
        options = _with_secret(options, name, path, problems) if is_secret(hint) else options
        nested, held = struct_of(hint), options.get(name)
        if nested is not None and isinstance(held, dict):
            build = _build_each if typing.get_origin(hint) is dict else build_struct
            values[name] = build(nested, held, f"{path}.{name}", problems)
        elif name in options:
            values[name] = convert(held, hint, f"{path}.{name}", problems)
        elif field.required:
            problems.append(f"{path}.{name}: is missing, expected {expected(hint)}")
    if len(problems) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:  # from the settings struct's own check of several options together
        problems.append(f"{path}: {error}")
        return None


def _build_each(
    kind: type[msgspec.Struct], tables: dict[str, object], path: str, problems: list[str]
) -> dict[str, msgspec.Struct | None]:
    """Make a settings struct of each table in a table whose keys the operator chooses."""
    made: dict[str, msgspec.Struct | None] = {}
    for name, options in tables.items():
        convert(name, Token, f"{path}.{name}: the name", problems)
        if isinstance(options, dict):
            made[name] = build_struct(kind, options, f"{path}.{name}", problems)
        else:
            problems.append(f"{path}.{name}: holds {in_words(options)}, expected a table")
    return made


def _with_secret(
    options: dict[str, object], name: str, path: str, problems: list[str]
) -> dict[str, object]:
    """Read a secret from its file, if the option's `_file` twin names a file."""
    twin = f"{name}_file"
    if twin not in options:
        return options
    if name in options:
        problems.append(f"{path}.{twin}: {name} is set as well, expected one of the two")
        return options
    try:
        secret = FileSecret.read(str(options[twin]))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}.{twin}: holds {shown(options[twin])}, cannot be read: {error}")
        return {**options, name: UNREAD}
    return {**options, name: secret}


def convert(value: object, hint: object, path: str, problems: list[str]) -> object:
    """Return the value in the type of its hint, or add a problem and return None.

    In a table whose keys the operator chooses, each value is checked by itself.
    """
    if value is UNREAD:
        return None
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        _, inner = typing.get_args(hint)
        return {
            name: convert(one, inner, f"{path}.{name}", problems) for name, one in value.items()
        }
    readings = value.readings() if isinstance(value, EnvironmentText) else (value,)
    for reading in readings:
        with contextlib.suppress(msgspec.ValidationError):
            converted: object = msgspec.convert(reading, hint, strict=True)
            fault = url_fault(str(converted)) if annotated_extra(hint).get("url") else ""
            if fault:
                problems.append(f"{path}: {fault}")
                return None
            return converted
    if is_secret(hint):
        held = "a value that is not shown"
    else:
        is_table = struct_of(hint) is not None or typing.get_origin(hint) is dict
        held = in_words(value) if is_table else shown(value)
    problems.append(f"{path}: holds {held}, expected {expected(hint)}")
    return None


def url_fault(urls: str) -> str:
    """Say what is wrong with an address, without showing it; empty if nothing is.

    A `/`, `?` or `#` in a password ends the host of a URL. A library that reads such a URL later
    fails with an error that shows a part of the password.

    Args:
        urls: One URL, or several with commas between them.
    """
    several = urls.startswith(("nats://", "tls://", "ws://", "wss://"))
    if all(map(_has_host, urls.split(",") if several else [urls])):
        return ""
    return (
        "holds a URL that cannot be read, and is not shown; look at the name of the host; "
        "in user and password, write / as %2F, ? as %3F, # as %23, @ as %40 and , as %2C"
    )


def _has_host(url: str) -> bool:
    if url.startswith("unix://"):
        return True
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        port = parts.port  # this raises an error if the port is not a number
    except ValueError:
        return False
    if not parts.netloc:
        return url.startswith(("redis://", "rediss://"))  # the library's default host
    if not parts.hostname or port == 0 or not _can_exist(parts.hostname):
        return False
    # A password with a slash ends the host too early, and its @ is then behind the host. The value
    # of an option may hold an @, such as the name of a file.
    behind = (parts.path, parts.query.partition("=")[0], parts.fragment)
    return "@" in parts.netloc or not any("@" in part for part in behind)


def _can_exist(host: str) -> bool:
    """Tell whether a name can be looked up at all. If not, Python raises an unusual error."""
    try:
        host.encode("idna").decode("idna")
    except UnicodeError:  # a label is empty, is longer than 63 bytes, or is broken
        return ":" in host  # an IPv6 address is no name
    return True


def report_unknown(
    options: dict[str, object], known: set[str], path: str, problems: list[str]
) -> None:
    """Add a problem for each option that does not exist. It says which name may be meant."""
    problems += [
        f"{path}{name}: {no_such('option', name, sorted(known))}"
        for name in options
        if name not in known
    ]


def no_such(what: str, name: str, known: list[str]) -> str:
    """Return words for an unknown name: the nearest known name, or all names if none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"
    return f"there is no such {what}; {advice}"


def is_secret(hint: object) -> bool:
    """Tell whether an option must never be printed."""
    return bool(annotated_extra(hint).get("secret"))


def struct_of(hint: object) -> type[msgspec.Struct] | None:
    """Return the settings struct of a nested table; None if the option is not a table."""
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part
    return None


def expected(hint: object) -> str:
    """Return what an option accepts, in words."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, parts))
    if typing.get_origin(hint) is dict:
        return "a table"
    if typing.get_origin(hint) in (list, tuple):
        return f"a list of {expected(parts[0])}"
    if parts:
        return expected(parts[0])
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return words.get(hint, "a table") if isinstance(hint, type) else "a table"


def shown(value: object) -> str:
    """Return a value as a problem shows it, cut to 80 characters."""
    return repr(value)[:80]


def in_words(value: object) -> str:
    """Return what a value is, for a problem with a table. A value there may hold any secret."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "a single value"
