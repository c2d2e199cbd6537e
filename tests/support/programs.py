"""The programs of docs/sending/ in other languages than Python: made ready once, and run.

Client packages are fetched in the pinned versions that stand beside the programs, into a folder of
the checkout that git ignores. They are fetched again when the versions change.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS: Final = Path(__file__).parents[2] / "docs" / "sending"
CACHE: Final = Path(__file__).parents[2] / ".cache" / "sending"
READY_DEADLINE_S: Final = 300
"""Packages are fetched and programs are compiled in this time, the first time."""
RUN_DEADLINE_S: Final = 60
PHP_AMQPLIB: Final = "/usr/share/php/PhpAmqpLib/autoload.php"
"""Is in Debian's package php-amqplib."""
FETCHED: Final = "fetched"
"""A file of this name holds a hash of the versions that were fetched."""


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
        versions=("package.json", "package-lock.json"),
        fetch=("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"),
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


@dataclass(frozen=True)
class Ended:
    """A program that has ended.

    Attributes:
        code: Its exit code.
        text: All that it has printed.
    """

    code: int
    text: str

    def failed_with(self, pattern: str) -> None:
        """Check that it has ended with an error that says this."""
        assert self.code != 0, self.text
        assert re.search(pattern, self.text), self.text


async def ready(name: str) -> Path:
    """Fetch and compile what the programs of a language need, and return the folder to run them in.

    Skips the test if the machine lacks the language, also in CI. Skips it if the packages cannot be
    fetched, but not in CI.
    """
    language = LANGUAGES[name]
    _skip_without(language.tools)
    folder = CACHE / name
    with _alone(name):
        await _fetch(name, language, folder)
        if language.build:
            built = await _end(language.build, folder, READY_DEADLINE_S)
            assert built.code == 0, built.text
    return folder


def _skip_without(tools: tuple[str, ...]) -> None:
    for tool in tools:
        if shutil.which(tool) is None and not Path(tool).exists():
            pytest.skip(f"{tool} not found")


async def _fetch(name: str, language: Language, folder: Path) -> None:
    """Copy the programs. Fetch their packages if the versions are not those of the last time."""
    versions = [(PROGRAMS / name / file).read_bytes() for file in language.versions]
    wanted = hashlib.sha256(b"\0".join(versions)).hexdigest()
    is_fetched = (folder / FETCHED).exists() and (folder / FETCHED).read_text() == wanted
    if not is_fetched:
        shutil.rmtree(folder, ignore_errors=True)  # packages of other versions would stay
    shutil.copytree(PROGRAMS / name, folder, dirs_exist_ok=True)
    if is_fetched:
        return
    fetched = await _end(language.fetch, folder, READY_DEADLINE_S)
    if fetched.code:
        failure = f"{' '.join(language.fetch)}: {fetched.text[-500:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(failure)
        pytest.skip(failure)
    (folder / FETCHED).write_text(wanted)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let no other process of the tests make the same folder ready at the same time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
        return await _end(command, folder, RUN_DEADLINE_S)


async def _end(command: tuple[str, ...], folder: Path, deadline_s: int) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(deadline_s):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, out.decode(errors="replace"))
