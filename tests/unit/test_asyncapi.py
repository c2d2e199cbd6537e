"""The AsyncAPI document: right by the official schema, and about all that there is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator

from consumer.cli.main import cli
from consumer.events.registry import CATALOGUE
from consumer.tools.schemas.asyncapi import document

OFFICIAL = Path(__file__).parents[1] / "data" / "asyncapi-3.0.0.schema.json.gz"


def official() -> Draft7Validator:
    """Return what checks a document by the AsyncAPI Initiative's own schema."""
    return Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))


def references(part: object) -> list[str]:
    """Return all that a document refers to."""
    if isinstance(part, list):
        return [one for item in part for one in references(item)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [one for item in part.values() for one in references(item)]


def resolved(whole: dict[str, Any], reference: str) -> Any:  # noqa: ANN401  # any part of it
    """Return what a reference of the document leads to."""
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_document_fits_the_official_schema() -> None:
    """Generators and portals read it."""
    official().validate(document())


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("#/info/version", 1),
        ("#/channels/game.bet/address", 1),
        ("#/operations/send.game.bet/action", "publish"),
        ("#/components/schemas/CASINO.sent/properties/amount/pattern", 5),
    ],
)
def test_official_schema_sees_what_is_wrong(path: str, wrong: object) -> None:
    """Otherwise the test above would say nothing."""
    whole = document()
    *parents, last = path.split("/")
    resolved(whole, "/".join(parents))[last] = wrong
    assert not official().is_valid(whole)


def test_every_reference_leads_somewhere() -> None:
    """The official schema does not look."""
    whole = document()
    assert all(resolved(whole, reference) for reference in references(whole))


def test_every_subject_and_every_message_type_has_its_channel() -> None:
    """One where the daemon receives for each type, one where it sends for each subject."""
    whole = document()
    actions = [(one["action"], one["channel"]["$ref"]) for one in whole["operations"].values()]
    subjects = {subject for one in CATALOGUE for subject in one.subjects.values()}
    assert {ref for action, ref in actions if action == "send"} == {
        f"#/channels/{subject}" for subject in subjects
    }
    assert len([action for action, _ in actions if action == "receive"]) == len(CATALOGUE)


def test_message_examples_fit_their_payloads_and_headers() -> None:
    """A portal shows them side by side."""
    whole = document()
    for message in whole["components"]["messages"].values():
        payload = resolved(whole, message["payload"]["$ref"])
        for example in message["examples"]:
            Draft202012Validator(payload).validate(example["payload"])
            if "headers" in example:
                Draft202012Validator(message["headers"]).validate(example["headers"])


def test_subjects_have_the_prefix_of_the_configuration(tmp_path: Path) -> None:
    """The address is where a subscriber listens."""
    file = tmp_path / "consumer.toml"
    file.write_text(
        'brand = "a"\n[dedupe]\nstore = "memory"\n'
        '[sink]\nurl = "nats://127.0.0.1"\nsubject_prefix = "eu"\n'
        '[listeners.l]\nkind = "nats"\nurl = "nats://127.0.0.1"\nsubject = "in"\n'
    )
    result = CliRunner().invoke(cli, ["schema", "--asyncapi", "--config", str(file)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["channels"]["game.bet"]["address"] == "eu.game.bet"
