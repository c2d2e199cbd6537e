"""Asks a public port with an access key, as a program of the brand does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from consumer.errors import Unavailable
from consumer.tools.sample.http_connection import HttpConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.sample.http_connection import HttpTarget

OK_STATUSES: Final = range(200, 300)
ReadT = TypeVar("ReadT", bound=msgspec.Struct)
NO_DOCUMENT: Final[Mapping[str, object]] = {}


class BrandReply(msgspec.Struct, frozen=True):
    """What the port answered.

    Attributes:
        status: The status code.
        body: The body.
    """

    status: int
    body: bytes

    @property
    def is_ok(self) -> bool:
        """True if the request was carried out."""
        return self.status in OK_STATUSES

    @property
    def why(self) -> str:
        """Why it was not, in words."""
        return f"{self.status} {self.document.get('detail') or ''}".strip()

    @property
    def document(self) -> Mapping[str, object]:
        """The body, if it is a JSON object, else nothing."""
        return object_in(self.body)

    def read(self, kind: type[ReadT]) -> ReadT:
        """Return the body of an answer with success.

        Raises:
            Unavailable: The request was not carried out, or something else answered.
        """
        if not self.is_ok:
            raise Unavailable(self.why)
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"another answer than that of a consumer: {error}") from error


class BrandClient:
    """A connection with an access key.

    Args:
        target: The port.
        key: The text of the key.
    """

    def __init__(self, target: HttpTarget, key: str) -> None:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._connection = HttpConnection(target, headers)

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> BrandReply:
        """Send a request, and return its answer.

        Raises:
            Unavailable: The port cannot be reached, or does not answer in time.
        """
        sent = b"" if body is None else msgspec.json.encode(body)
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            got = await self._connection.ask(method, target, sent, {})
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"{path}: no answer: {str(error) or 'too slow'}") from error
        return BrandReply(got.status, got.body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def object_in(body: bytes) -> Mapping[str, object]:
    """Return the JSON object in a body. If the body holds anything else, return an empty object."""
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return NO_DOCUMENT
