"""Where each room of `consumer/` stands: on which floor, and at which place in the map.

A room is a folder of `consumer/`, or a module beside the folders. A new room gets its floor and its
place here, and its reason in docs/decisions.
"""

from __future__ import annotations

from typing import Final

FLOORS: Final = (
    ("errors", "clock", "turn", "retry", "cancel"),
    ("options",),
    ("events",),
    ("deliveries",),
    ("operations",),
    ("nats",),
    ("parts",),
    ("ledger",),
    ("access",),
    ("http",),
    ("stores",),
    ("sinks",),
    ("dead_letters",),
    ("listeners",),
    ("pipeline",),
    ("readers",),
    ("wallet",),
    ("config",),
    ("lanes",),
    ("tools",),
    ("sandbox",),
    ("api",),
    ("app",),
    ("cli",),
    ("__main__",),
)
"""From the ground up; a module imports from its own floor and from the floors below."""
PLACES: Final = {
    "The way of a message": (
        "listeners",
        "lanes",
        "deliveries",
        "pipeline",
        "events",
        "stores",
        "sinks",
        "dead_letters",
    ),
    "The port for brands and platform": ("api", "readers", "http", "access"),
    "The wallet": ("wallet", "ledger", "sandbox"),
    "What it stands on": ("nats", "parts", "operations", "config", "options"),
    "What people use": ("cli", "tools"),
}
"""The folders in the order in which the map shows them, under the map's headings."""
