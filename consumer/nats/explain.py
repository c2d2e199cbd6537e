"""Says what went wrong in a request about a stream, and what to do about it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import nats.errors
from nats.js.errors import APIError, NotFoundError

from consumer.errors import SinkUnavailable
from consumer.nats.hardened import HardenedClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.aio.client import Client

PERMISSION_MISSING: Final = "permissions violation"
"""The server's words if a user may not publish or subscribe, in lower case as nats-py has them."""


@contextlib.contextmanager
def explained(
    stream: str, *, missing: str, request: str = "", client: Client | None = None
) -> Iterator[None]:
    """Translate the errors of nats-py in the block.

    Args:
        stream: The name of the stream that is asked about.
        missing: The possible cause if there is no such stream.
        request: The subject of the request. A user without the right to publish to this subject
            gets no answer, so the error names the subject if there is no answer. Empty if there
            are several subjects.
        client: The connection, which knows whether the server has complained meanwhile. None if
            that is not known.

    Raises:
        SinkUnavailable: The text says what to do.
    """
    before = _refusal(client)
    try:
        yield
    except NotFoundError as error:
        raise SinkUnavailable(f"there is no stream {stream}: {missing}") from error
    except APIError as error:
        raise SinkUnavailable(f"stream {stream}: {_said(error)}") from error
    except (TimeoutError, nats.errors.TimeoutError) as error:
        refusal = _refusal(client)
        if refusal and refusal is not before:
            raise SinkUnavailable(
                f"stream {stream}: {_missing_right(refusal, request)}", refused=True
            ) from error
        right = f", and may this user publish to {request}" if request else ""
        raise SinkUnavailable(
            f"no answer about stream {stream}: is JetStream on (-js){right}?"
        ) from error
    except (nats.errors.Error, OSError) as error:
        raise SinkUnavailable(f"stream {stream}: {error}") from error


def _refusal(client: Client | None) -> str:
    return client.refusal if isinstance(client, HardenedClient) else ""


def _missing_right(refusal: str, request: str) -> str:
    # nats-py turns the server's text into lower case, but subjects have upper case too.
    if request and request.lower() in refusal.lower():
        return f"permission is missing: allow this NATS user to publish to {request}"
    return f"permission is missing, the server says in lower case: {refusal}"


def _said(error: APIError) -> str:
    if error.description is None:  # nats-py gives no text if the server has no JetStream
        return "JetStream is off on that server (switch it on with -js), or has no leader now"
    return f"{error.description} (error {error.err_code})"
