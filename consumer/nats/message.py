"""Gets a single message of a stream by its number, and names the header of a missing body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.js.errors import NotFoundError

if TYPE_CHECKING:
    from nats.js.api import RawStreamMsg
    from nats.js.client import JetStreamContext

NO_MESSAGE_CODE: Final = 10037
"""The error code with which the server answers if a stream does not have a message:
https://github.com/nats-io/nats-server/blob/main/server/errors.json."""

SIZE_HEADER: Final = "Nats-Msg-Size"
"""The header in which the server tells the size of a body, if it sends only the headers:
https://docs.nats.io/nats-concepts/jetstream/headers."""


async def stored_message(
    jetstream: JetStreamContext, stream: str, number: int
) -> RawStreamMsg | None:
    """Return the message of a stream that has this number. None if it is not there any more.

    Raises:
        NotFoundError: There is no such stream.
        Error: Another error of nats-py; see `explain.py`.
    """
    try:
        return await jetstream.get_msg(stream, number)
    except NotFoundError as error:
        # The status is 404 for a missing stream and for a missing message. The error code tells
        # which of them is missing.
        if error.err_code == NO_MESSAGE_CODE:
            return None
        raise
