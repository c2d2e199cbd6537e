"""docs/operations.md lists the permissions that the code needs."""

from __future__ import annotations

import pytest

from consumer.nats.rights import HeldRights, Permitted, Right
from consumer.sinks.base import SinkSettings
from consumer.sinks.plans import event_rights
from tests.support.rights_page import RIGHTS_PAGE, documented, lists, rights_page


def test_permissions_of_the_page_are_current() -> None:
    """If this fails, run `make docs`."""
    assert rights_page() == RIGHTS_PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", lists())
@pytest.mark.parametrize("verb", ["publish", "subscribe"])
def test_page_can_be_read_again(name: str, verb: str) -> None:
    """The tests with a real server take the lists from the page."""
    assert documented(name, verb) == [one.subject for one in lists()[name] if one.verb == verb]


def test_page_permits_every_event_of_the_catalogue() -> None:
    """A subject that is missing would hold a lane at its first event."""
    held = HeldRights(publish=Permitted(allow=tuple(documented("sink", "publish"))))
    assert held.lacks(event_rights(SinkSettings(), {})) == []


def test_routes_and_prefix_need_rights_of_their_own() -> None:
    """The operator has to allow the targets, and not the subjects of the catalogue."""
    rights = event_rights(SinkSettings(subject_prefix="x"), {"game.bet": ["bets.all"]})
    subjects = {right.subject for right in rights}
    assert "x.bets.all" in subjects
    assert not {"x.game.bet", "game.bet"} & subjects


@pytest.mark.parametrize(
    ("allow", "deny", "subject", "is_permitted"),
    [
        (None, (), "game.bet", True),
        ((), (), "game.bet", False),
        (("game.*",), (), "game.bet", True),
        (("game.bet",), (), "game.*", False),
        (("game.*",), ("game.bet",), "game.bet", False),
        (("game.*",), ("game.bet",), "game.win", True),
        (None, ("dead.x.>",), "dead.>", False),
    ],
)
def test_what_is_permitted(
    allow: tuple[str, ...] | None, deny: tuple[str, ...], subject: str, *, is_permitted: bool
) -> None:
    """What is denied wins, and a part of a wildcard is not enough."""
    held = HeldRights(publish=Permitted(allow, deny))
    wanted = Right("publish", subject)
    assert held.lacks([wanted]) == ([] if is_permitted else [wanted])
