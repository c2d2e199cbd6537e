"""How `consumer keys` writes a key."""

from __future__ import annotations

import json

import pytest

from consumer.access import token
from consumer.access.edit import KeyUse
from consumer.access.key import Key, KeySecret
from consumer.cli.keys.table import print_table
from consumer.cli.keys.view import key_facts, key_json
from consumer.clock import SYSTEM_CLOCK
from tests.support.keys_in_memory import key_of

HASH = token.hash_of("s")


def test_only_secrets_that_hold_are_shown_and_none_is_told() -> None:
    """Until when each of them holds. The hash helps nobody, and stays away too."""
    now_s = SYSTEM_CLOCK.now_s()
    secrets = tuple(KeySecret(HASH, ends_s) for ends_s in (now_s - 1, now_s + 3600, None))
    use = KeyUse(key_of(secrets=secrets), "")
    ends = [secret["ends"] for secret in json.loads(key_json(use))["secrets"]]
    assert len(ends) == 2
    assert ends[1] is None
    assert f"one until {ends[0]}, one without an end" in key_facts(use)[-1]
    assert HASH not in key_json(use) + str(key_facts(use))


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (key_of(), "in force"),
        (key_of(expires_s=1.0), "expired"),
        (key_of(expires_s=1.0, revoked_s=1.0), "revoked"),
        (key_of(expires_s=1e300), "in force"),
    ],
)
def test_state_is_the_one_that_counts(
    key: Key, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also with a time that no calendar can hold, which somebody wrote into the bucket."""
    use = KeyUse(key, "2026-01-31")
    assert json.loads(key_json(use))["state"] == state
    assert f"state       {state}" in key_facts(use)
    print_table([use])
    assert state.partition(" ")[0] in capsys.readouterr().out


def test_text_of_others_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A name may come from a backup, or from somebody who writes the bucket."""
    use = KeyUse(key_of(name="\x1b[2J", person="\u202e"), "\x1b[31m")
    print_table([use])
    shown = capsys.readouterr().out + "".join(key_facts(use))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
