"""The OpenAPI document: right by the official schema, and about all that the code answers."""

from __future__ import annotations

import ast
import gzip
import json
from http import HTTPStatus
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

import consumer
from consumer.access.refusal import KeyRefused, Refusal
from consumer.api.described import described_endpoints
from consumer.api.named import named
from consumer.api.openapi import document
from consumer.cli.main import cli
from consumer.errors import Reason
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE, find
from consumer.http.body import BodyBusy, BodyTooLarge
from consumer.http.places import Places
from consumer.http.refused import problem_of
from consumer.listeners.http.answers import of_refusal
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.listeners.http.shed import NotTaken, Shed
from consumer.readers.endpoints import refused_selection
from consumer.readers.selection import SelectionRefused
from consumer.wallet.bodies import bad_request
from consumer.wallet.told import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.http.endpoint import Endpoint

OFFICIAL: Final = Path(__file__).parents[1] / "data" / "openapi-3.1.schema.json.gz"
ROOMS: Final = ("api", "api/dead_letters", "http", "listeners/http", "readers", "wallet")
NOT_DESCRIBED: Final = {
    (405, "method_not_allowed"): "there is no operation",
    (400, "cut_off"): "the client is gone",
    (429, "pipelined"): "the connection is closed without an answer",
}
"""What no operation of the document answers, and why."""
SELECTIONS: Final = [
    SelectionRefused(reason, "")
    for reason in ("forbidden_subject", "forbidden_user", "unknown_subject", "unknown_type")
]
"""What a reader may ask for in vain."""
PLACES_REASON: Final[str] = signature(Places).parameters["reason"].default
NEVER_ON_A_PATH: Final = {Reason.UNKNOWN_TYPE, Reason.MISSING_TYPE}
"""The path names the type."""


def rejecting_with(status: int) -> dict[str, Any]:
    """Return the document of a port whose `rejected_status` is this."""
    settings = HttpListenerSettings(rejected_status=200 if status == 200 else 400)
    return plain(document(described_endpoints(settings)))


def plain(whole: dict[str, Any]) -> dict[str, Any]:
    """Return a document as a client gets it."""
    read: dict[str, Any] = json.loads(json.dumps(whole))
    return read


DOCUMENTS: Final = {status: rejecting_with(status) for status in (400, 200)}
each_document = pytest.mark.parametrize("whole", DOCUMENTS.values(), ids=map(str, DOCUMENTS))


def official() -> Draft202012Validator:
    """Return what checks a document by the OpenAPI Initiative's own schema."""
    return Draft202012Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))


def operations(whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation with its name."""
    for path, by_verb in whole["paths"].items():
        for verb, operation in by_verb.items():
            yield f"{verb} {path}", operation


def bodies(whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Yield each body that is sent or answered: where, its schema, and its examples."""
    for name, operation in operations(whole):
        answers = operation["responses"].items()
        holders = [("request", operation.get("requestBody", {"content": {}})), *answers]
        for what, holder in holders:
            for media_type, form in holder["content"].items():
                examples = [one["value"] for one in form.get("examples", {}).values()]
                examples += [form["example"]] if "example" in form else []
                yield f"{name} {what} {media_type}", form["schema"], examples


def schemas(endpoint: Endpoint) -> Iterator[object]:
    """Yield each schema of an endpoint, as the endpoint has it."""
    yield from endpoint.places.values()
    yield from endpoint.body.schema.values() if endpoint.body else ()
    yield from (form.schema for form in endpoint.answers)


def described(whole: dict[str, Any]) -> set[tuple[int, str]]:
    """Return each status of an error with each reason that its examples have."""
    return {
        (int(status), example["value"]["reason"])
        for _, operation in operations(whole)
        for status, answer in operation["responses"].items()
        for example in answer["content"]
        .get("application/problem+json", {})
        .get("examples", {})
        .values()
    }


def written() -> set[tuple[int, str]]:
    """Return each status with its reason that is written in the code of the port."""
    folder = Path(consumer.__file__).parent
    trees = [ast.parse(file.read_text()) for room in ROOMS for file in (folder / room).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [node for node in nodes if is_call_of(node, "Problem")]
    pairs = [[getattr(one, "value", None) for one in call.args[:2]] for call in calls]
    places = [node for node in nodes if is_call_of(node, "Places")]
    pairs += [[429, reason_of(call)] for call in places]
    return {
        (status, reason)
        for status, reason in pairs
        if isinstance(status, int) and isinstance(reason, str)
    }


def is_call_of(call: ast.Call, name: str) -> bool:
    """Tell whether a part of the code makes an object of the class of this name."""
    return getattr(call.func, "id", "") == name


def reason_of(places: ast.Call) -> object:
    """Return the reason with which places refuse a holder that has all its places."""
    given = [word.value for word in places.keywords if word.arg == "reason"]
    return getattr(given[0], "value", None) if given else PLACES_REASON


def answered() -> set[tuple[int, str]]:
    """Return each status of an error with each of its reasons that the code can answer."""
    problems = [BodyTooLarge(1), BodyBusy(), *(of_refusal(NotTaken(why)) for why in Shed)]
    refused = [KeyRefused(refusal, "") for refusal in Refusal]
    rejected = {Reason.CONFLICT: 409, Reason.INTERNAL: 500}
    return {
        *written(),
        *((problem.status, problem.reason) for problem in problems),
        *((one.status, one.reason) for one in map(problem_of, refused)),
        *((refused_selection(one).status, one.reason) for one in SELECTIONS),
        *((status, refusal.lower()) for refusal, status in STATUSES.items()),
        *((422, bad_request("", amount=amount).reason) for amount in (True, False)),
        *((rejected.get(reason, 400), reason.value) for reason in {*Reason} - NEVER_ON_A_PATH),
    }


@each_document
def test_document_fits_the_official_schema(whole: dict[str, Any]) -> None:
    """Generators and portals read it."""
    official().validate(whole)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("info", "version"), 1),
        (("paths", "/v1/integration/casino", "post", "responses", "200", "description"), None),
        (("paths", "/v1/integration/casino", "post", "security"), {}),
        (("components", "securitySchemes", "apiKey", "in"), "body"),
    ],
)
def test_official_schema_sees_what_is_wrong(path: tuple[str, ...], wrong: object) -> None:
    """Otherwise the test above would say nothing."""
    whole = rejecting_with(400)
    *parents, last = path
    part = whole
    for step in parents:
        part = part[step]
    part[last] = wrong
    assert not official().is_valid(whole)


@each_document
def test_each_schema_is_one_by_its_dialect(whole: dict[str, Any]) -> None:
    """The official schema does not look into them."""
    for schema in (*whole["components"]["schemas"].values(), *(one for _, one, _ in bodies(whole))):
        Draft202012Validator.check_schema(schema)


@each_document
def test_each_body_has_an_example_and_each_example_fits_its_schema(whole: dict[str, Any]) -> None:
    """Of what is posted, and of each answer."""
    for where, schema, examples in bodies(whole):
        assert examples, where
        validator = Draft202012Validator({**schema, "components": whole["components"]})
        for example in examples:
            validator.validate(example)


def test_the_example_of_a_batch_has_good_events() -> None:
    """In both of its forms."""
    content = DOCUMENTS[400]["paths"][MANY_PATH]["post"]["requestBody"]["content"]
    lines = content["application/x-ndjson"]["example"].splitlines()
    events = content["application/json"]["example"]
    assert [json.loads(line) for line in lines] == events
    for event in events:
        event_type = find(event["type"])
        assert event_type is not None
        normalised = Normaliser(event_type, "b", strict=True).normalise(
            json.dumps(event["data"]).encode(), 0.0
        )
        assert not normalised.oddities


def test_each_error_of_the_code_is_described_and_no_other() -> None:
    """By its status and its reason."""
    assert described(DOCUMENTS[400]) == answered() - set(NOT_DESCRIBED)
    assert set(NOT_DESCRIBED) <= answered()


def test_rejected_events_have_the_status_of_the_option() -> None:
    """With 200, there is no 409, and 400 is left for requests that are no HTTP."""
    casino = DOCUMENTS[200]["paths"]["/v1/integration/casino"]["post"]["responses"]
    assert "409" not in casino
    reasons = casino["400"]["content"]["application/problem+json"]["examples"]
    assert set(reasons) == {"bad_request"}
    assert "rejected" in casino["200"]["content"]["application/json"]["examples"]


def test_each_problem_has_the_phrase_of_its_status() -> None:
    """As RFC 9457 wants it of a problem without a type."""
    for name, operation in operations(DOCUMENTS[400]):
        for status, answer in operation["responses"].items():
            for example in (
                answer["content"]
                .get("application/problem+json", {"examples": {}})["examples"]
                .values()
            ):
                assert example["value"]["status"] == int(status), name
                assert example["value"]["title"] == HTTPStatus(int(status)).phrase


def test_each_path_of_the_vendor_is_described() -> None:
    """With its verb, the schema of its type, and the scope that a key needs."""
    whole = DOCUMENTS[400]
    for name, (method, path) in PATHS.items():
        operation = whole["paths"][path][method.lower()]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{name}"}
        assert operation["security"] == [{"bearer": []}, {"apiKey": []}]
        assert "`ingest`" in operation["description"]


def test_operations_have_names_of_their_own() -> None:
    """Generated clients make functions of them."""
    names = [operation["operationId"] for _, operation in operations(DOCUMENTS[400])]
    assert len(names) == len(set(names)) == len(list(operations(DOCUMENTS[400])))


def test_each_name_of_a_schema_means_one_schema() -> None:
    """Otherwise one of two types of clients would be wrong."""
    found: dict[str, object] = {}
    for endpoint in described_endpoints():
        for name, schema in (pair for whole in schemas(endpoint) for pair in named(whole)):
            assert found.setdefault(name, schema) == schema, name
    assert {"StoredEvent", "AccessKey", "DeadLetter"} <= set(found)


def test_parts_with_a_name_are_in_one_place() -> None:
    """The answers of all paths of ingest have one type."""
    whole = DOCUMENTS[400]
    stored = {"$ref": "#/components/schemas/StoredEvent"}
    for path in ("/v1/integration/casino", "/v1/integration/payment"):
        answer = whole["paths"][path]["post"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"] == stored
    keys = whole["components"]["schemas"]["AccessKeys"]["properties"]["keys"]
    assert keys["items"] == {"$ref": "#/components/schemas/AccessKey"}


def test_each_parameter_is_described_and_none_is_null() -> None:
    """Neither a path nor a query can have null."""
    for name, operation in operations(DOCUMENTS[400]):
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter)
            assert "null" not in json.dumps(parameter), (name, parameter)


def test_no_event_or_body_has_what_generators_misread() -> None:
    """Patterns of names and defaults: see `json_schema.for_clients` and `body_schema`."""
    whole = DOCUMENTS[400]
    assert "patternProperties" not in json.dumps(whole["components"]["schemas"])
    for name in ("NewKey", "Rotation", "LettersFilter", "TicketWish"):
        for field in whole["components"]["schemas"][name]["properties"].values():
            assert "default" not in field
    overlap = whole["components"]["schemas"]["Rotation"]["properties"]["overlap_s"]
    assert overlap["description"].endswith("; by default 86400")


def test_the_names_of_the_types_are_listed() -> None:
    """So that a client is told of a misspelt name before it calls."""
    whole = DOCUMENTS[400]
    assert whole["components"]["schemas"]["MessageTypeName"]["enum"] == [
        event_type.name for event_type in CATALOGUE
    ]
    [parameter] = whole["paths"]["/v1/types/{message_type}/schema"]["get"]["parameters"]
    assert parameter["schema"] == {"$ref": "#/components/schemas/MessageTypeName"}


def test_each_heading_is_explained_and_in_use() -> None:
    """By the list of all headings."""
    headings = {tag for _, one in operations(DOCUMENTS[400]) for tag in one["tags"]}
    explained = {tag["name"]: tag["description"] for tag in DOCUMENTS[400]["tags"]}
    assert set(explained) == headings
    assert all(explained.values())


def test_the_verb_prints_it() -> None:
    """As a port with default options serves it."""
    result = CliRunner().invoke(cli, ["schema", "--openapi"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == DOCUMENTS[400] == plain(document(described_endpoints()))


@pytest.mark.parametrize("other", ["--asyncapi", "--markdown", "--incoming"])
def test_the_verb_prints_one_document(other: str) -> None:
    """Two would be no JSON."""
    assert CliRunner().invoke(cli, ["schema", "--openapi", other]).exit_code == 2
