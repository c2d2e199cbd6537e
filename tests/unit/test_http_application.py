"""The order of the checks, and what every answer has, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from consumer.access.key import Key, Scope
from consumer.access.refusal import KeyRefused, RateLimit, Refusal
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import BodyForm, Endpoint
from consumer.http.paths import EndpointTable
from tests.support.http_application import GOOD, OpenGate, application_of, client_of

if TYPE_CHECKING:
    import httpx

    from consumer.http.endpoint import Reply, Take
    from consumer.http.request import Request

JSON_BODY: Final = BodyForm(media_types=("application/json",), schema={})


async def echo(request: Request) -> Answer:
    """Answer with the variable parts of the path, and the body."""
    parts = ",".join(request.parameters.values()).encode()
    return Answer(200, parts + await request.read_body(100), "text/plain")


async def fail(_: Request) -> Answer:
    """Have a bug."""
    raise ZeroDivisionError("a secret")


def endpoint(method: str, path: str, **options: Any) -> Endpoint:  # noqa: ANN401  # fields differ
    """Return an endpoint that echoes."""
    given: dict[str, Any] = {"handle": echo, "summary": "echoes"} | options
    return Endpoint(name=f"{method} {path}", method=method, path=path, **given)


TABLE: Final = (
    endpoint("POST", "/events", scope=Scope.INGEST, body=JSON_BODY),
    endpoint("POST", "/admin", scope=Scope.ADMIN),
    endpoint("PUT", "/items/{id}"),
    endpoint("GET", "/open", needs_key=False),
    endpoint("GET", "/bug", needs_key=False, handle=fail),
)


async def ask(method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401  # httpx's
    """Send one request."""
    async with client_of(application_of(TABLE)) as client:
        return await client.request(method, path, **options)


def reason(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the reason of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, problem["reason"]


@pytest.mark.parametrize("path", ["/", "/event", "/events/", "/EVENTS", "/items", "/items/"])
async def test_unknown_path_is_told_before_the_key_is_looked_at(path: str) -> None:
    """A typing error in the address should not look like a wrong key."""
    answer = await ask("POST", path, headers={"x-api-key": "wrong"})
    assert reason(answer) == (404, "not_found")


async def test_wrong_verb_names_the_right_ones() -> None:
    """Also before the key is looked at."""
    answer = await ask("DELETE", "/open", headers={"x-api-key": "wrong"})
    assert reason(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "headers", [{"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}, {"x-api-key": ""}]
)
async def test_wrong_key_is_unauthorized(headers: dict[str, str]) -> None:
    """And the client is told which scheme there is."""
    answer = await ask("POST", "/events", headers=headers, content=b"{}")
    assert reason(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_key_may_come_as_bearer(scheme: str) -> None:
    """It counts before the other header."""
    headers = {"authorization": f"{scheme} {GOOD}", "x-api-key": "wrong"}
    assert (await ask("POST", "/events", headers=headers)).status_code == 200


async def test_missing_scope_is_forbidden() -> None:
    """The key is right, and may do something else."""
    assert reason(await ask("POST", "/admin")) == (403, "forbidden")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/cloudevents+json", None],
)
async def test_json_is_taken(content_type: str | None) -> None:
    """No content type is JSON."""
    headers = {"content-type": content_type} if content_type else {}
    answer = await ask("POST", "/events", headers=headers, content=b"{}")
    assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"],
)
async def test_other_media_types_are_refused(content_type: str) -> None:
    """`curl -d` sends a form: the answer says what to do."""
    answer = await ask("POST", "/events", headers={"content-type": content_type}, content=b"{}")
    assert reason(answer) == (415, "media_type")


async def test_large_body_is_refused_and_the_connection_closed() -> None:
    """What the client still sends is of no use."""
    answer = await ask("POST", "/events", content=b"x" * 200_000)
    assert reason(answer) == (413, "too_large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("part", "decoded"),
    [("a", "a"), ("a%2Fb", "a/b"), ("%00", "\0"), ("..", ".."), ("%", "%"), ("a+b", "a+b")],
)
def test_variable_part_may_hold_anything(part: str, decoded: str) -> None:
    """It is decoded once, and a slash in it separates nothing."""
    found, parameters = EndpointTable(TABLE).find(f"/items/{part}", "PUT")
    assert found.path == "/items/{id}"
    assert parameters == {"id": decoded}


@pytest.mark.parametrize("sent", ["req-17", "a/b:c=d@e~f"])
async def test_sane_request_id_is_taken_over(sent: str) -> None:
    """So that a sender finds its request in our logs."""
    answer = await ask("GET", "/open", headers={"x-request-id": sent})
    assert answer.headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "<b>", "é"])
async def test_other_request_ids_are_replaced(sent: str) -> None:
    """They end up in logs and headers."""
    answer = await ask("GET", "/open", headers={"x-request-id": sent.encode()})
    assert answer.headers["x-request-id"] not in ("", sent)


async def test_bug_is_a_problem_that_tells_nothing() -> None:
    """The log has the rest, under the request id."""
    answer = await ask("GET", "/bug")
    assert reason(answer) == (500, "internal")
    assert "secret" not in answer.text


def take_now(_: Request, body: bytes, reply: Reply) -> None:
    """Answer with the body."""
    reply(lambda: Answer(200, body, "text/plain", {"x-more": "1"}))


def take_and_refuse(_: Request, _body: bytes, reply: Reply) -> None:
    """Refuse when the answer is made."""

    def refuse() -> Answer:
        raise Problem(409, "conflict", "another event")

    reply(refuse)


def take_and_fail(_: Request, _body: bytes, reply: Reply) -> None:
    """Have a bug when the answer is made."""

    def boom() -> Answer:
        raise ZeroDivisionError("a secret")

    reply(boom)


def refuse_at_once(_: Request, _body: bytes, _reply: Reply) -> None:
    """Refuse before anything begins."""
    raise Problem(409, "conflict", "another event")


def fail_at_once(_: Request, _body: bytes, _reply: Reply) -> None:
    """Have a bug before anything begins."""
    raise ZeroDivisionError("a secret")


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        (take_and_refuse, (409, "conflict")),
        (refuse_at_once, (409, "conflict")),
        (take_and_fail, (500, "internal")),
        (fail_at_once, (500, "internal")),
    ],
)
async def test_answer_without_a_task_may_be_a_problem(
    take: Take, expected: tuple[int, str]
) -> None:
    """Nothing that goes wrong reaches the connection, and a bug tells nothing."""
    table = [endpoint("POST", "/events", take=take)]
    async with client_of(application_of(table)) as client:
        answer = await client.post("/events", content=b"{}")
    assert reason(answer) == expected
    assert "secret" not in answer.text


async def test_answer_without_a_task_has_all_headers() -> None:
    """Those of the endpoint, and the request id."""
    table = [endpoint("POST", "/events", take=take_now, body=JSON_BODY)]
    async with client_of(application_of(table)) as client:
        answer = await client.post("/events", content=b"{}", headers={"x-request-id": "r-1"})
        refused = [
            await client.post("/events", content=b"{}", headers={"x-api-key": "wrong"}),
            await client.post("/events", content=b"{}", headers={"content-type": "text/plain"}),
        ]
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert (answer.headers["x-request-id"], answer.headers["x-more"]) == ("r-1", "1")
    assert [reason(one) for one in refused] == [(401, "unauthorized"), (415, "media_type")]


async def test_refused_key_reads_no_body() -> None:
    """Nobody without a key makes us read megabytes."""
    gate = OpenGate()
    read: list[str] = []

    async def watched(request: Request) -> Answer:
        read.append(request.path)
        return Answer(200)

    table = [endpoint("POST", "/events", handle=watched)]
    async with client_of(application_of(table, gate)) as client:
        answer = await client.post("/events", headers={"x-api-key": "wrong"}, content=b"x" * 99)
    assert (answer.status_code, read) == (401, [])


def test_table_with_the_same_endpoint_twice_is_a_bug() -> None:
    """The second would never be called."""
    with pytest.raises(ValueError, match="twice"):
        EndpointTable([*TABLE, endpoint("GET", "/open")])


async def test_rate_is_told_in_headers() -> None:
    """A client library can wait by itself."""

    class Slow(OpenGate):
        def admit(self, token: str | None, scope: Scope | None, address: str) -> Key:
            limit = RateLimit("events", 200, 2.0)
            raise KeyRefused(Refusal.RATE, f"{token} {scope} {address}", 1.2, limit)

    async with client_of(application_of(TABLE, Slow())) as client:
        answer = await client.post("/events", content=b"{}")
    assert reason(answer) == (429, "rate")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["ratelimit"] == '"events";r=0;t=2'
    assert answer.headers["ratelimit-policy"] == '"events";q=200;w=2'
