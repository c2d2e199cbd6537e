"""The pinned requirements and the image: what is installed, and that all of it has a hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads(  # whatever a TOML file holds
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)
FILES: Final = sorted(ROOT.glob("requirements/*.txt"))
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
DIGEST: Final = re.compile(r"FROM \S+:\S+@sha256:[0-9a-f]{64} AS \w+")


def pins(path: Path) -> dict[str, str]:
    """Return the version of each package that the file pins."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def named(requirements: list[str]) -> set[str]:
    """Return the names of the packages, without versions and extras."""
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in requirements}


def instructions(word: str) -> list[str]:
    """Return the instructions of the Dockerfile that begin with the word, each on one line."""
    return [line for line in DOCKERFILE.splitlines() if line.startswith(f"{word} ")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_requirement_has_a_hash_and_no_index(path: Path) -> None:
    """A file that names an index would ask that index wherever it is used."""
    text = path.read_text(encoding="utf-8")
    entries = re.findall(r"^[a-z0-9-]+==.*(?:\n    .*)*", text, re.MULTILINE)
    assert len(entries) == len(pins(path)) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"^--.*|https?://\S*", text, re.MULTILINE) == []


def test_production_has_no_embedded_servers() -> None:
    """The daemon connects to servers; it brings none."""
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(pins(ROOT / "requirements" / "run.txt")) & named(extras["embedded"]) == set()


@pytest.mark.parametrize("name", ["run.txt", "build.txt"])
def test_what_is_installed_is_what_was_tested(name: str) -> None:
    """The same versions as in dev.txt, which the tests run with."""
    tested = pins(ROOT / "requirements" / "dev.txt")
    assert pins(ROOT / "requirements" / name).items() <= tested.items()


def test_every_dependency_is_pinned() -> None:
    """A dependency that was added without `make lock` would be missing in the image."""
    groups = PROJECT["dependency-groups"]
    assert named(PROJECT["project"]["dependencies"]) <= set(pins(ROOT / "requirements/run.txt"))
    assert named(groups["build"]) <= set(pins(ROOT / "requirements/build.txt"))


def test_the_base_image_has_a_digest() -> None:
    """A tag can be moved to another image, a digest cannot; later stages build on the first."""
    first, *others = instructions("FROM")
    assert DIGEST.fullmatch(first)
    assert [line for line in others if not line.startswith("FROM base")] == []


def test_the_image_downloads_nothing_without_a_hash() -> None:
    """Each call of pip checks hashes or has no index, and none fetches build tools by itself."""
    calls = [call for line in instructions("RUN") for call in line.split("&&") if "bin/pip" in call]
    assert len(calls) == 4
    for call in calls:
        assert "--require-hashes" in call or "--no-index" in call, call
        built = " wheel " in call
        assert not built or "--no-build-isolation" in call, call
        assert built or "--only-binary :all:" in call or "--find-links" in call, call


def test_the_image_is_given_every_file_that_it_copies() -> None:
    """`.dockerignore` leaves out everything that it does not name."""
    given = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in instructions("COPY")
        if "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    assert [source for source in copied if f"!{source}" not in given] == []
    assert [source for source in copied if not (ROOT / source).exists()] == []
