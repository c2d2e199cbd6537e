"""What an operator is told when a question about a stream goes wrong."""

from __future__ import annotations

import nats.errors
import pytest
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from consumer.errors import SinkUnavailable
from consumer.nats.explain import explained
from consumer.nats.hardened import HardenedClient

REQUEST = "$JS.API.STREAM.INFO.EVENTS"
OFF = "stream EVENTS: JetStream is off on that server (switch it on with -js), or has no leader now"
SILENCE = (
    f"no answer about stream EVENTS: is JetStream on (-js), and may this user publish to {REQUEST}?"
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFoundError(), "there is no stream EVENTS: has the daemon ever run?"),
        (
            APIError(description="no suitable peers", err_code=10005),
            "stream EVENTS: no suitable peers (error 10005)",
        ),
        (
            ServiceUnavailableError(),
            OFF,
        ),
        (nats.errors.TimeoutError(), SILENCE),
        (TimeoutError(), SILENCE),
        (ConnectionResetError("reset"), "stream EVENTS: reset"),
    ],
)
def test_error_says_what_to_do(error: Exception, text: str) -> None:
    """Whatever nats-py raises, the text names the stream."""
    asking = explained("EVENTS", missing="has the daemon ever run?", request=REQUEST)
    with pytest.raises(SinkUnavailable) as told, asking:
        raise error
    assert str(told.value) == text


def test_right_is_named_only_where_there_is_one_request() -> None:
    """A reader that sends several cannot know which of them got no answer."""
    with pytest.raises(SinkUnavailable, match=r"on \(-js\)\?$"), explained("EVENTS", missing=""):
        raise TimeoutError


def test_what_is_translated_already_stays_as_it_is() -> None:
    """A text that says more is not replaced."""
    more = SinkUnavailable("no such letter")
    with pytest.raises(SinkUnavailable) as told, explained("EVENTS", missing=""):
        raise more
    assert told.value is more


def be_refused(client: HardenedClient, refusal: str) -> None:
    """Hear of a missing right, and then wait in vain."""
    client.refusal = refusal
    raise TimeoutError


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (
            f'for publish to "{REQUEST.lower()}"',
            f"publish to {REQUEST}",
        ),
        ('for subscription to "_inbox.x.*"', '"_inbox.x.*"'),
    ],
)
def test_missing_permission_is_called_so(refusal: str, text: str) -> None:
    """The server says it beside the request, which gets no answer. JetStream is on."""
    client = HardenedClient()
    asking = explained("EVENTS", missing="", request=REQUEST, client=client)
    with pytest.raises(SinkUnavailable) as told, asking:
        be_refused(client, f"nats: permissions violation {refusal}")
    assert str(told.value).startswith("stream EVENTS: permission is missing")
    assert str(told.value).endswith(text)
    assert told.value.refused


def test_earlier_complaint_is_no_reason() -> None:
    """It was about another request."""
    client = HardenedClient()
    client.refusal = 'nats: permissions violation for publish to "$js.api.stream.names"'
    asking = explained("EVENTS", missing="", request=REQUEST, client=client)
    with pytest.raises(SinkUnavailable, match="is JetStream on"), asking:
        raise TimeoutError
