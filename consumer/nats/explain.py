"""Says what went wrong in a request about a stream, and what to do about it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import nats.errors
from nats.js.errors import APIError, NotFoundError

from consumer.errors import SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def explained(stream: str, *, missing: str, request: str = "") -> Iterator[None]:
    """Translate the errors of nats-py in the block.

    Args:
        stream: The name of the stream that is asked about.
        missing: The possible cause if there is no such stream.
        request: The subject of the request. A user without the right to publish to this subject
            gets no answer, so the error names the subject if there is no answer. Empty if there
            are several subjects.

    Raises:
        SinkUnavailable: The text says what to do.
    """
    try:
        yield
    except NotFoundError as error:
        raise SinkUnavailable(f"there is no stream {stream}: {missing}") from error
    except APIError as error:
        raise SinkUnavailable(f"stream {stream}: {_said(error)}") from error
    except (TimeoutError, nats.errors.TimeoutError) as error:
        right = f", and may this user publish to {request}" if request else ""
        raise SinkUnavailable(
            f"no answer about stream {stream}: is JetStream on (-js){right}?"
        ) from error
    except (nats.errors.Error, OSError) as error:
        raise SinkUnavailable(f"stream {stream}: {error}") from error


def _said(error: APIError) -> str:
    if error.description is None:  # nats-py gives no text if the server has no JetStream
        return "JetStream is off on that server (switch it on with -js), or has no leader now"
    return f"{error.description} (error {error.err_code})"
