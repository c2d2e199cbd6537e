"""Tells schemathesis what it does not know of the public port."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import schemathesis

from consumer.access.token import ID_CHARACTERS
from consumer.api.own_key import SHOWN_KEY

if TYPE_CHECKING:
    from schemathesis import Case, HookContext

OWN_KEY: Final = "OWN_KEY"
"""The variable with the id of the key with which schemathesis calls."""
OTHER_KEY: Final = "OTHER_KEY"
"""The variable with the id of another key of the same brand."""
NOBODY: Final = "A" * ID_CHARACTERS

schemathesis.serializer.alias("application/x-ndjson", "text/plain")


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, object]) -> None:
    """Keep schemathesis from revoking its own key, and from giving it a new secret.

    It calls with ids that earlier answers have named, and the list of keys names its own key too.
    The key of the examples does not exist, so the other key gets a new secret in its place.
    """
    if case.path_parameters.get("id") in (os.environ[OWN_KEY], SHOWN_KEY["id"]):
        is_rotation = case.operation.path.endswith("/rotate")
        case.path_parameters["id"] = os.environ[OTHER_KEY] if is_rotation else NOBODY
