"""The options of the verbs of `consumer keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment


class KeysOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of all verbs of `consumer keys`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
    """

    config_file: Path | None


class KeysCreateOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys create`. The fields of `Key` say what they mean.

    Attributes:
        brand: The brand. None means the brand of the configuration.
        form: The form in which the key is printed: its text alone, or all of it as JSON.
    """

    brand: str | None
    environment: Environment
    scopes: tuple[Scope, ...]
    subjects: tuple[str, ...]
    expires_s: float | None
    addresses: tuple[str, ...]
    events_per_s: float | None
    requests_per_s: float | None
    person: str
    name: str
    form: Literal["text", "json"]


class KeysListOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys list`. A filter that is None lets every key pass.

    Attributes:
        brand: The brand of the keys.
        environment: The environment of the keys.
        form: The form of the list. None means a table on a terminal and JSON lines in a pipe.
    """

    brand: str | None
    environment: Environment | None
    form: Literal["table", "json"] | None


class KeysShowOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys show`.

    Attributes:
        key_id: The id of the key.
        form: The form of the answer. None means text on a terminal and JSON in a pipe.
    """

    key_id: str
    form: Literal["text", "json"] | None


class KeysRotateOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys rotate`.

    Attributes:
        key_id: The id of the key.
        overlap_s: The time for which the earlier secrets still hold, in seconds.
        form: The form in which the key is printed: its text alone, or all of it as JSON.
    """

    key_id: str
    overlap_s: float
    form: Literal["text", "json"]


class KeysRevokeOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys revoke`.

    Attributes:
        key_ids: The ids of the keys.
    """

    key_ids: tuple[str, ...]


class KeysRestoreOptions(KeysOptions, frozen=True, kw_only=True):
    """The options of `keys restore`.

    Attributes:
        file: The path of the file with the exported keys; `-` is standard input.
        replace: If true, a key that exists with other content is replaced.
    """

    file: str
    replace: bool
