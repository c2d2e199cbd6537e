"""Two processes agree on what an event is: they share one store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import msgspec
from consumer.tools.schemas import example
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
for one in CATALOGUE:
    body = msgspec.json.encode(example.sent(one))
    print(Normaliser(one, "b").normalise(body, 0.0))
"""


def in_a_process(hash_seed: int) -> str:
    """Return every type's example event, as a process with that seed of `hash` makes it."""
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(  # noqa: S603  # a fixed command
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


def test_processes_agree_on_keys_fingerprints_and_bodies() -> None:
    """Sets of text have another order in each process; nothing may depend on it."""
    outputs = {in_a_process(hash_seed) for hash_seed in range(4)}
    assert len(outputs) == 1
