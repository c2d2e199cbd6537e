"""A stream of dead letters, and the command line on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import tomli_w
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.dead_letters.record import Letter, from_message, to_message
from consumer.errors import Reason

if TYPE_CHECKING:
    from pathlib import Path

    from nats.js.client import JetStreamContext

    from tests.support.scene import Scene


class Letters:
    """A stream of dead letters and one of events, and the command line on them.

    Args:
        scene: without sources.
        jetstream: where the letters are.
        config: the file of the configuration.
    """

    def __init__(self, scene: Scene, jetstream: JetStreamContext, config: Path) -> None:
        self.scene = scene
        self.jetstream = jetstream
        self.config = config
        self._settings = scene.dead_letter_settings
        self._count = 0

    async def store(self, *letters: Letter) -> None:
        """Put letters into the stream, as the daemon does."""
        for letter in letters:
            self._count += 1
            message = to_message(letter, self._settings.subject_prefix, str(self._count))
            await self.jetstream.publish(
                message.subject, message.body, headers=dict(message.headers)
            )

    def configure(self) -> None:
        """Write the file of the configuration."""
        self.config.write_text(tomli_w.dumps(self.scene.tables))

    async def dead(self, *arguments: str) -> Result:
        """Run a verb of `dead`, in a thread because it has an event loop of its own."""
        self.configure()
        command = ["dead", *arguments, "--config", str(self.config)]
        return await asyncio.to_thread(CliRunner().invoke, cli, command)

    async def left(self) -> list[Letter]:
        """Return the letters that are still there."""
        letters = await self.scene.sink.letters()
        return [from_message(one.headers or {}, one.data) for one in letters]


def letter(
    body: bytes, reason: Reason = Reason.UNKNOWN_TYPE, message_type: str = "CASINO"
) -> Letter:
    """Return a letter of a delivery that an older version refused."""
    return Letter(
        reason=reason,
        error=f"type: no message type is called {message_type!r}",
        listener="casino",
        brand="brand",
        message_type=message_type,
        content_encoding="",
        coordinates={"queue": "casino"},
        headers={"x-note": "ä"},
        arrived="2026-01-01T00:00:00.000000Z",
        body=body,
    )
