"""Says what went wrong when the server was asked about a stream, and what to do about it."""

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
        missing: What may be the cause where there is no such stream.
        request: The subject of the request. A user who may not publish to it gets no answer, so it
            is named where there was none. Empty: there are several.

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
    if error.description is None:  # nats-py says nothing where the server has no JetStream at all
        return "JetStream is off on that server (switch it on with -js), or has no leader now"
    return f"{error.description} (error {error.err_code})"
