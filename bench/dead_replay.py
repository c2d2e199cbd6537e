"""Dead letters by the hundred thousand: listed with a filter, replayed, and replayed at a rate.

Prints letters a second and the largest resident memory of each process. Everything runs on the
NATS and Redis of `make brokers`, in streams of its own that are deleted at the end.
"""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import nats
import tomli_w

from consumer.dead_letters.record import Letter, to_message
from consumer.errors import Reason
from tests.brokers import running_brokers
from tests.support.samples import casino

if TYPE_CHECKING:
    from nats.js.client import JetStreamContext

COUNT: Final = int(os.environ.get("LETTERS", "100000"))
RATE: Final = 2000
AT_ONCE: Final = 1000


async def store(jetstream: JetStreamContext, prefix: str) -> None:
    """Store letters that this version understands, every tenth of another reason."""
    for start in range(0, COUNT, AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for number in range(start, start + AT_ONCE):
                letter = Letter(
                    reason=Reason.INVALID if number % 10 else Reason.UNKNOWN_TYPE,
                    error="amount: expected number",
                    listener="casino",
                    brand="brand",
                    message_type="CASINO",
                    content_encoding="",
                    coordinates={"queue": "casino"},
                    headers={},
                    arrived="2026-01-01T00:00:00.000000Z",
                    body=casino(activity_id=f"{prefix}-{number}"),
                )
                message = to_message(letter, prefix, str(number))
                publish = jetstream.publish(
                    message.subject, message.body, headers=dict(message.headers)
                )
                group.create_task(_done(publish), name="letter")


async def _done(publish: object) -> None:
    await publish  # type: ignore[misc]  # what nats-py returns


def timed(*arguments: str) -> tuple[str, float, float]:
    """Run a verb; returns its last line, seconds, and the largest memory of any so far, in MB."""
    began_s = time.perf_counter()
    command = [sys.executable, "-m", "consumer", *arguments]
    # Into a file: what is held here would be counted as the child's memory, up to its exec.
    with tempfile.TemporaryFile("w+") as out:
        subprocess.run(command, check=True, stdout=out, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began_s
        out.seek(0)
        lines, last = 0, ""
        for line in out:
            lines, last = lines + 1, line.rstrip()
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return f"{lines} lines, {last}", seconds, peak_kb / 1000


async def main() -> None:
    """Store, list, replay."""
    brokers, name = running_brokers(), f"bench{secrets.token_hex(4)}"
    tables = {
        "brand": name,
        "listeners": {"casino": {"kind": "rabbitmq", "queue": "unused"}},
        "dedupe": {"url": brokers["redis"], "key_prefix": f"{name}:"},
        "sink": {"url": brokers["nats"], "stream": name, "subject_prefix": name},
        "dead_letters": {"stream": f"DEAD_{name}", "subject_prefix": f"dead{name}"},
    }
    client = await nats.connect(brokers["nats"])
    jetstream = client.jetstream(timeout=30)
    await jetstream.add_stream(
        name=f"DEAD_{name}", subjects=[f"dead{name}.>"], duplicate_window=600
    )
    await store(jetstream, f"dead{name}")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "consumer.toml"
        config.write_text(tomli_w.dumps(tables))
        at = ("--config", str(config))
        for what, arguments in (
            ("list, newest 50", ("dead", "list")),
            ("list, a tenth", ("dead", "list", "--reason", "unknown_type", "--limit", "1000000")),
            ("list, by type", ("dead", "list", "--type", "CASINO", "--limit", "1000000")),
            ("dry run", ("dead", "replay", "--dry-run")),
            (f"replay a tenth at {RATE}/s", _tenth("--rate", str(RATE))),
            ("replay the rest", ("dead", "replay")),
        ):
            said, seconds, peak_mb = timed(*arguments, *at)
            print(f"{what:<26} {seconds:6.1f} s  peak {peak_mb:5.0f} MB  {said[:100]}")
    for stream in (name, f"DEAD_{name}"):
        await jetstream.delete_stream(stream)
    await client.close()


def _tenth(*arguments: str) -> tuple[str, ...]:
    return ("dead", "replay", "--reason", "unknown_type", *arguments)


if __name__ == "__main__":
    asyncio.run(main())
