"""What `/readyz` answers for parts that count, and for parts that are only shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consumer.operations.health import Health


def report(health: Health) -> dict[str, Any]:
    """Return what `/readyz` says."""
    told: dict[str, Any] = msgspec.json.decode(health.report())
    return told


def test_a_part_that_is_down_makes_the_process_unready() -> None:
    """Until it is up again."""
    health = Health()
    health.up("sink")
    health.down("store", "gone")
    assert (health.ready, health.why_down("store")) == (False, "gone")
    health.up("store")
    assert health.ready


def test_a_drain_makes_the_process_unready() -> None:
    """Although every part is up."""
    health = Health()
    health.drain()
    assert (health.ready, report(health)["draining"]) == (False, True)


def test_parts_apart_are_shown_and_do_not_count() -> None:
    """A broken sandbox must not take the process out of a load balancer."""
    health = Health()
    health.up("sink")
    health.apart("sandbox").down("sink", "full")
    assert report(health) == {
        "ready": True,
        "draining": False,
        "parts": {"sink": {"up": True, "why": ""}},
        "sandbox": {"parts": {"sink": {"up": False, "why": "full"}}},
    }


def test_parts_apart_share_no_name_with_the_others() -> None:
    """Both sides have a sink, and each has its own state."""
    health = Health()
    health.apart("sandbox").up("sink")
    health.down("sink", "gone")
    assert health.apart("sandbox").why_down("sink") == ""
    assert health.why_down("sink") == "gone"


def test_nothing_is_apart_without_a_sandbox() -> None:
    """The answer of a process without the public port stays as it was."""
    assert report(Health()) == {"ready": True, "draining": False, "parts": {}}


@pytest.mark.parametrize("name", ["sandbox", "other"])
def test_asking_twice_gives_the_same_states(name: str) -> None:
    """What one lane reports, another sees."""
    health = Health()
    health.apart(name).down("store", "gone")
    assert health.apart(name).why_down("store") == "gone"
