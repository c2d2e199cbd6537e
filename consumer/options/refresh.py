"""Reads the secrets of a connection again, because their files may have been replaced."""

from __future__ import annotations

import typing
from typing import Final, TypeVar

import msgspec

from consumer.errors import ConfigError
from consumer.options.check import convert
from consumer.options.secret_file import FileSecret

SecretsT = TypeVar("SecretsT", bound=msgspec.Struct)
UNREADABLE: Final = (OSError, UnicodeDecodeError)


def refreshed(settings: SecretsT) -> SecretsT:
    """Return the settings with each secret of a file as the file holds it now.

    Settings without such a secret are returned as they are, and no file is read.

    Args:
        settings: The options of one connection. The table inside it, such as `tls`, counts too.

    Raises:
        ConfigError: A file cannot be read, or holds what the option cannot be. The text names the
            option as its own table calls it, and does not show the secret. The caller may try again
            later, because the file may be half written.
    """
    changes: dict[str, object] = {}
    problems: list[str] = []
    for name in settings.__struct_fields__:
        held = getattr(settings, name)
        if isinstance(held, FileSecret):
            hint = typing.get_type_hints(type(settings), include_extras=True)[name]
            changes[name] = _again(held, hint, name, problems)
        elif isinstance(held, msgspec.Struct):
            inner = refreshed(held)
            if inner is not held:
                changes[name] = inner
    if problems:
        raise ConfigError(*problems)
    try:
        return msgspec.structs.replace(settings, **changes) if changes else settings
    except ValueError as error:  # from the settings struct's own check of several options together
        raise ConfigError(str(error)) from error


def _again(held: FileSecret, hint: object, name: str, problems: list[str]) -> object:
    try:
        return convert(FileSecret.read(held.file), hint, name, problems)
    except UNREADABLE as error:
        problems.append(f"{name}_file: {held.file!r} cannot be read: {error}")
        return None
