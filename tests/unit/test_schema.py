"""The schemas: right by their dialect, complete, and about what really comes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from consumer.cli.main import cli
from consumer.events.envelope import Envelope
from consumer.events.registry import CATALOGUE, find
from consumer.tools.schemas import json_schema
from consumer.tools.schemas.describe import describe

if TYPE_CHECKING:
    from consumer.events.base import EventType
    from consumer.tools.schemas.fields import Schema


def name(event_type: EventType) -> str:
    """Name a type's tests after it."""
    return event_type.name


def documents(event_type: EventType) -> list[Schema]:
    """Return the three schemas of a type."""
    return [
        json_schema.outgoing(event_type),
        json_schema.incoming(event_type),
        json_schema.incoming(event_type, strict=True),
    ]


def sent_field(message_type: str, field: str, *, strict: bool = False) -> Draft202012Validator:
    """Return what checks one field as it is sent."""
    event_type = find(message_type)
    assert event_type is not None
    properties = json_schema.incoming(event_type, strict=strict)["properties"]
    return Draft202012Validator(properties[field])


def printed(*arguments: str) -> Any:  # noqa: ANN401  # any JSON value
    """Return what `consumer schema` prints."""
    result = CliRunner().invoke(cli, ["schema", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_listed_value_is_to_be_written_as_it_is_listed() -> None:
    """The schema refuses another case, so its words do not say that any case is right."""
    lenient = sent_field("CASINO", "type")
    assert lenient.is_valid("Bet")
    assert not lenient.is_valid("BET")
    assert lenient.schema["description"].endswith(
        "Write it as listed; a lenient listener takes any case."
    )
    assert "case" not in sent_field("CASINO", "type", strict=True).schema["description"]


@pytest.mark.parametrize("event_type", CATALOGUE, ids=name)
def test_each_schema_is_one_by_its_dialect(event_type: EventType) -> None:
    """Tools of other people read them."""
    for one in documents(event_type):
        Draft202012Validator.check_schema(one)
        assert one["$id"].startswith("urn:consumer:")


@pytest.mark.parametrize("event_type", CATALOGUE, ids=name)
def test_examples_fit_their_own_schema(event_type: EventType) -> None:
    """The event out is made by the daemon's own code of the event in."""
    for one in documents(event_type):
        Draft202012Validator(one).validate(one["examples"][0])


@pytest.mark.parametrize("event_type", CATALOGUE, ids=name)
def test_each_field_has_a_meaning(event_type: EventType) -> None:
    """A sentence, from the annotation or from the text under the field."""
    pending: list[Any] = [event_type.fields]
    while pending:
        for field in describe(pending.pop()):
            assert field.meaning.endswith("."), field.name
            pending += [field.fact.nested] if field.fact.nested else []


def test_all_types_are_one_document() -> None:
    """An event fits the schema of its own type only; a message may fit several."""
    everything = json_schema.all_outgoing()
    Draft202012Validator.check_schema(everything)
    for event_type in CATALOGUE:
        event = json_schema.outgoing(event_type)["examples"][0]
        Draft202012Validator(everything).validate(event)
    for strict in (False, True):
        Draft202012Validator.check_schema(json_schema.all_incoming(strict=strict))


@pytest.mark.parametrize(
    ("field", "value", "fits", "fits_strict"),
    [
        ("activity_id", 17, True, False),
        ("activity_id", "", False, False),
        ("activity_id", "a\nb", False, False),
        ("activity_id", None, False, False),
        ("game_id", "", True, True),
        ("amount", "12.30", True, True),
        ("amount", "1e2", True, True),
        ("amount", "1e99", False, False),
        ("amount", -1, True, False),
        ("amount", "-1", True, False),
        ("amount", None, True, False),
        ("balance_after", -1, True, True),
        ("game_name", "", True, False),
        ("origin", "", True, False),
        ("game_type", "Holodeck", True, True),
        ("type", "Wager", False, False),
        ("timestamp", "2015-03-02 8:27:58,1", True, False),
        ("timestamp", "2015-03-02T8:27:58,1Z", True, True),
        ("game_id", 132.5, True, True),
        ("vendor_name", None, True, False),
        ("timestamp", "yesterday", False, False),
        ("meta", [1], False, False),
        ("meta", [], True, False),
    ],
)
def test_sent_values_fit_as_they_are_accepted(
    field: str, value: object, *, fits: bool, fits_strict: bool
) -> None:
    """As the decoder reads them, lenient and strict."""
    assert sent_field("CASINO", field).is_valid(value) is fits
    assert sent_field("CASINO", field, strict=True).is_valid(value) is fits_strict


def test_strict_schema_requires_what_the_vendor_does() -> None:
    """A listener with validation = "strict" refuses the rest."""
    lenient = printed("CASINO", "--incoming")
    strict = printed("casino", "--incoming", "--strict")
    more = {"amount", "game_name", "is_round_end", "round_id", "status"}
    assert set(strict["required"]) - set(lenient["required"]) == more


def test_text_under_an_inherited_field_is_its_meaning() -> None:
    """It stands in the source of the base class."""
    properties = printed("POKER_CASH_GAME_BUY_IN_V2", "--incoming")["properties"]
    assert properties["table_name"]["description"] == "The name of the table."
    assert properties["user_id"]["description"].startswith("The id of the player. ")


def test_command_prints_the_same_every_time() -> None:
    """So that a diff shows a change of the contract and nothing else."""
    assert printed() == json_schema.all_outgoing()
    assert printed("PAYMENT") == json_schema.outgoing(find("PAYMENT") or CATALOGUE[0])
    assert printed("--incoming")["anyOf"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["WAGER"],
        ["CASINO", "--strict"],
        ["CASINO", "--asyncapi"],
        ["--asyncapi", "--incoming"],
        ["--asyncapi", "--markdown"],
        ["--config", "consumer.toml"],
    ],
)
def test_contradictions_are_usage_errors(arguments: list[str]) -> None:
    """Nothing is ignored in silence."""
    assert CliRunner().invoke(cli, ["schema", *arguments]).exit_code == 2


@pytest.mark.parametrize("event_type", CATALOGUE, ids=name)
def test_schema_names_the_attributes_of_the_envelope(event_type: EventType) -> None:
    """All that `envelope.py` writes, and `subject` only where the event has a player."""
    written = set(Envelope.__struct_fields__) - (set() if event_type.user else {"subject"})
    assert set(json_schema.outgoing(event_type)["properties"]) == written
