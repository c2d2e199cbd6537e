"""A hundred thousand broken events of all types through the decoder.

    python -m bench.fuzz [count] [seed]

Ends with 1, and the first bodies, where one of them is neither event nor honest rejection.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from consumer.errors import Reason
from consumer.pipeline.decode import Decoder
from tests.support.fates import reason
from tests.support.mutate import batch, mutated_works

if TYPE_CHECKING:
    from consumer.pipeline.batch import Work

BATCH_COUNT = 1000
SHOWN_COUNT = 5


def outcome(work: Work) -> str:
    """Return the one thing that a delivery became."""
    died = reason(work)
    if (work.event is None) == (died is None):
        return "neither or both"
    return died.value if died else "event"


def main(count: int, seed: int) -> int:
    """Decode all of them, half of them strictly; return the exit code."""
    source = random.Random(seed)
    outcomes: Counter[str] = Counter()
    bugs: list[Work] = []
    spent_s = 0.0
    decoders = [Decoder(), Decoder(strict=True)]
    for number in range(count // BATCH_COUNT):
        works = list(mutated_works(source, BATCH_COUNT))
        begun_s = time.perf_counter()
        decoders[number % 2].decode(batch(works))
        spent_s += time.perf_counter() - begun_s
        found = [(outcome(work), work) for work in works]
        outcomes.update(name for name, _ in found)
        bugs += [work for name, work in found if name in (Reason.INTERNAL, "neither or both")]
    print(f"fuzz: seed {seed}, {sum(outcomes.values()):,} events, {spent_s:.1f} s in the decoder")
    print("  " + ", ".join(f"{name} {many:,}" for name, many in outcomes.most_common()))
    for work in bugs[:SHOWN_COUNT]:
        print(f"  {work.delivery.message_type}: {work.delivery.body[:300]!r}")
    return 1 if bugs else 0


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [100_000, 1][len(arguments) :])))
