"""Says what is known about a key, without its secrets and without the hashes of its secrets.

The command line and the HTTP port show the same fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from consumer.access.key import Key


def state_of(key: Key, now_s: float) -> str:
    """Return whether a key is `in force`, `expired` or `revoked`.

    Args:
        key: The key.
        now_s: The time, in seconds since 1970.
    """
    if key.revoked_s is not None:
        return "revoked"
    return "expired" if key.expires_s is not None and key.expires_s <= now_s else "in force"


def time_of(epoch_s: float | None) -> str | None:
    """Write a time. What no calendar can hold is written as seconds."""
    if epoch_s is None:
        return None
    try:
        return from_epoch_s(epoch_s)
    except (ValueError, OverflowError, OSError):
        return f"{epoch_s:g} s"


def ends_of_secrets(key: Key, now_s: float) -> list[float | None]:
    """Return until when each secret holds that still holds, in seconds since 1970."""
    ends = [secret.ends_s for secret in key.secrets]
    return [ends_s for ends_s in ends if ends_s is None or ends_s > now_s]


def fields_of(key: Key, used_on: str, now_s: float) -> dict[str, object]:
    """Return all that is known about a key, for JSON.

    Args:
        key: The key.
        used_on: The day on which it was last used. Empty if it was never used.
        now_s: The time, in seconds since 1970.
    """
    return {
        "id": key.id,
        "brand": key.brand,
        "environment": key.environment,
        "name": key.name,
        "person": key.person,
        "scopes": key.scopes,
        "subjects": key.subjects,
        "addresses": key.addresses,
        "events_per_s": key.events_per_s,
        "requests_per_s": key.requests_per_s,
        "state": state_of(key, now_s),
        "created": time_of(key.created_s),
        "expires": time_of(key.expires_s),
        "revoked": time_of(key.revoked_s),
        "used_on": used_on or None,
        "secrets": [{"ends": time_of(ends_s)} for ends_s in ends_of_secrets(key, now_s)],
    }
