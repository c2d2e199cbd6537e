"""The programs of docs/sending/ in other languages than Python: made ready once, and run.

Client packages are fetched in the pinned versions that stand beside the programs.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.packages import (
    CACHE,
    NPM_FETCH,
    NPM_VERSIONS,
    READY_DEADLINE_S,
    Ended,
    alone,
    end,
    fetch,
    skip_without,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS: Final = Path(__file__).parents[2] / "docs" / "sending"
RUN_DEADLINE_S: Final = 60
PHP_AMQPLIB: Final = "/usr/share/php/PhpAmqpLib/autoload.php"
"""Is in Debian's package php-amqplib."""


@dataclass(frozen=True)
class Language:
    """How the programs of one language are made ready and run.

    Attributes:
        tools: The commands and files that the machine has to have.
        versions: The files that pin the client packages.
        fetch: The command that fetches the client packages.
        build: The command that compiles the programs. Empty: nothing has to be compiled.
        command: Returns the command of a broker's program. All commands run in the same folder.
    """

    tools: tuple[str, ...]
    versions: tuple[str, ...]
    fetch: tuple[str, ...]
    command: Callable[[str], tuple[str, ...]]
    build: tuple[str, ...] = ()


LANGUAGES: Final = {
    "node": Language(
        tools=("node", "npm"),
        versions=NPM_VERSIONS,
        fetch=NPM_FETCH,
        command=lambda broker: ("node", f"{broker}.js"),
    ),
    "java": Language(
        tools=("java", "mvn"),
        versions=("pom.xml",),
        fetch=("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"),
        command=lambda broker: ("java", "-cp", "lib/*", f"{broker.capitalize()}.java"),
    ),
    "go": Language(
        tools=("go",),
        versions=("go.mod", "go.sum"),
        fetch=("go", "mod", "download"),
        build=("go", "build", "-o", "bin/", "./..."),
        command=lambda broker: (f"./bin/{broker}",),
    ),
    # No registry of PHP is asked. Debian has the client for RabbitMQ as a package.
    "php": Language(
        tools=("php", PHP_AMQPLIB),
        versions=("composer.json",),
        fetch=("php", "-r", f"@mkdir('vendor'); symlink('{PHP_AMQPLIB}', 'vendor/autoload.php');"),
        command=lambda broker: ("php", f"{broker}.php"),
    ),
}
"""The languages whose programs run in a test, by the name of their folder."""
RUN: Final = [*product(("node", "java", "go"), ("rabbitmq", "kafka", "nats")), ("php", "rabbitmq")]
"""The programs that run in a test. docs/sending-code.md names those that do not."""


async def ready(name: str) -> Path:
    """Fetch and compile what the programs of a language need, and return the folder to run them in.

    Skips the test if the machine lacks the language, also in CI. Skips it if the packages cannot be
    fetched, but not in CI.
    """
    language = LANGUAGES[name]
    skip_without(language.tools, also_in_ci=True)
    folder = CACHE / "sending" / name
    with alone(folder):
        await fetch(PROGRAMS / name, folder, language.versions, language.fetch)
        if language.build:
            built = await end(language.build, folder, READY_DEADLINE_S)
            assert built.code == 0, built.text
    return folder


async def send(name: str, broker: str, place: tuple[str, str], event: bytes) -> Ended:
    """Run a program, which sends an event.

    Args:
        name: The language.
        broker: The broker.
        place: The broker's address, and the name of the queue, topic or subject.
        event: The content of the file that the program sends.
    """
    folder = await ready(name)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(event)
        file.flush()
        command = (*LANGUAGES[name].command(broker), *place, file.name)
        return await end(command, folder, RUN_DEADLINE_S)
