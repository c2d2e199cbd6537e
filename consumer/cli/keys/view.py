"""Writes keys for people and for programs, without secrets and without the hashes of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.access.shown import ends_of_secrets, fields_of, state_of, time_of
from consumer.cli.terminal.safe_text import printable
from consumer.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from consumer.access.edit import KeyList, KeyUse
    from consumer.access.key import Key

NEVER: Final = "never"


def key_json(use: KeyUse, text: str | None = None) -> str:
    """Write a key as a line of JSON.

    Args:
        use: The key, and when it was used last.
        text: The text of a key that was made just now. None for a key whose text nobody knows.
    """
    fields = fields_of(use.key, use.used_on, SYSTEM_CLOCK.now_s())
    made = {} if text is None else {"key": text}
    return msgspec.json.encode(made | fields).decode()


def key_facts(use: KeyUse) -> list[str]:
    """Return all that is known of a key: a line for each fact."""
    key, now_s = use.key, SYSTEM_CLOCK.now_s()
    known = {
        "id": key.id,
        "state": state_of(key, now_s),
        "brand": key.brand,
        "environment": key.environment.value,
        "name": key.name,
        "person": key.person,
        "scopes": ", ".join(key.scopes),
        "subjects": ", ".join(key.subjects) or "all",
        "addresses": ", ".join(key.addresses) or "all",
        "events/s": _rate(key.events_per_s),
        "requests/s": _rate(key.requests_per_s),
        "created": time_of(key.created_s),
        "expires": time_of(key.expires_s) or NEVER,
        "revoked": time_of(key.revoked_s),
        "last used": use.used_on or NEVER,
        "secrets": ", ".join(_secret(ends_s) for ends_s in ends_of_secrets(key, now_s)),
    }
    return [f"{name:<12}{printable(text)}" for name, text in known.items() if text]


def _rate(per_s: float | None) -> str:
    return "default" if per_s is None else f"{per_s:g}"


def _secret(ends_s: float | None) -> str:
    ends = time_of(ends_s)
    return "one without an end" if ends is None else f"one until {ends}"


def key_words(key: Key) -> str:
    """Say in one line which key it is."""
    named = f" ({printable(key.name)})" if key.name else ""
    scopes = ", ".join(key.scopes)
    expires = f", until {time_of(key.expires_s)}" if key.expires_s is not None else ""
    return f"key {key.id}{named} for {key.brand}, {key.environment}: {scopes}{expires}"


def tell_unread(found: KeyList) -> None:
    """Say on standard error which records are not understood."""
    for key_id in found.unread:
        click.echo(
            f"consumer: skipped key {printable(key_id)}: its record is not understood. Was it "
            "written by a newer version of this program?",
            err=True,
        )
