"""Writes the permissions of users into docs/operations.md, from the lists of the code.

`make docs` runs it, and tests/unit/test_rights_page.py fails where the page is out of date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from consumer.dead_letters.plan import dead_letter_plan, letter_rights, reading_rights
from consumer.dead_letters.stream import DeadLetterSettings
from consumer.listeners.nats.rights import source_rights
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.nats.rights import (
    LOOK_RIGHTS,
    Right,
    create_rights,
    inbox_right,
    use_rights,
    widen_rights,
)
from consumer.sinks.base import SinkSettings
from consumer.sinks.plans import event_plan
from consumer.stores.base import DedupeSettings
from consumer.stores.redis import PERMISSIONS
from tests.support.map import filled
from tests.support.modules import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

RIGHTS_PAGE: Final = ROOT / "docs" / "operations.md"
SINK: Final = SinkSettings()
LETTERS: Final = DeadLetterSettings()
SOURCE: Final = NatsListenerSettings(stream="INBOUND", subject="inbound.>")
WHY_COLUMN: Final = 58
_QUOTED: Final = re.compile(r'"([^"]+)"')


def rights_page() -> str:
    """Return the page as it should be: its own text, with the permissions of today."""
    text = RIGHTS_PAGE.read_text(encoding="utf-8")
    for name, rights in lists().items():
        text = filled(text, f"rights {name}", _block(rights))
    prefix = DedupeSettings().key_prefix
    rule = f"ACL SETUSER consumer on >PASSWORD ~{prefix}* -@all {PERMISSIONS}"
    return filled(text, "rights redis", f"```text\n{rule}\n```\n")


def lists() -> dict[str, list[Right]]:
    """Return the rights of each block of the page, with the default names."""
    events, letters = event_plan(SINK, {}), dead_letter_plan(LETTERS, SINK)
    why = "from here: events, with the subject_prefix"
    first, *others = events.subjects
    families = [Right("publish", first, why), *(Right("publish", one) for one in others)]
    streams = [
        right
        for plan in (events, letters)
        for right in (*use_rights(plan), *create_rights(plan), *widen_rights(plan))
    ]
    sink = [*families, *letter_rights(LETTERS)[:1], *streams, *letter_rights(LETTERS)[1:]]
    return {
        "listener": source_rights(SOURCE, makes=True),
        "sink": [*sink, inbox_right(SINK.inbox_prefix)],
        "check": list(LOOK_RIGHTS),
        "dead": [*reading_rights(LETTERS), inbox_right(SINK.inbox_prefix)],
    }


def documented(name: str, verb: str) -> list[str]:
    """Return the subjects that a block of the page lets a user publish, or subscribe to."""
    text = RIGHTS_PAGE.read_text(encoding="utf-8")
    block = text.partition(f"<!-- rights {name} -->\n")[2].partition("<!-- /rights")[0]
    return _QUOTED.findall(block.partition(f"{verb}: [")[2].partition("\n]")[0])


def _block(rights: Iterable[Right]) -> str:
    """Write the lists as they stand in the server's configuration."""
    lines = ["```text"]
    wanted = list(rights)
    for verb in ("publish", "subscribe"):
        ours = [_line(right) for right in wanted if right.verb == verb]
        if ours:
            lines += [f"{verb}: [", *ours, "]"]
    return "\n".join([*lines, "```", ""])


def _line(right: Right) -> str:
    subject = f'  "{right.subject}"'
    return f"{subject:<{WHY_COLUMN}}  # {right.why}" if right.why else subject


if __name__ == "__main__":
    RIGHTS_PAGE.write_text(rights_page(), encoding="utf-8")
