"""Signs callbacks and sends them, over one connection."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from nacl.signing import SigningKey

from consumer.clock import SYSTEM_CLOCK
from consumer.errors import Unavailable
from consumer.tools.sample.http_connection import HttpConnection
from consumer.wallet.signature import signed_text

if TYPE_CHECKING:
    from consumer.tools.sample.http_connection import HttpTarget

SHOWN_CHARACTERS: Final = 200
NO_DOCUMENT: Final[Mapping[str, object]] = {}


class CallbackSigner(msgspec.Struct, frozen=True):
    """Signs as a provider does.

    Attributes:
        key_id: The id of the key.
        signing: The private key.
    """

    key_id: str
    signing: SigningKey

    def header(self, target: str, body: bytes, *, method: str = "POST", late_s: int = 0) -> str:
        """Return the value of `X-Signature`.

        Args:
            target: The path with the query.
            body: The body.
            method: The HTTP method.
            late_s: How many seconds ago the signature says it was made. A negative number is in
                the future.
        """
        time_s = int(SYSTEM_CLOCK.now_s()) - late_s
        text = signed_text(time_s, self.key_id, method, target, body)
        proof = base64.b64encode(self.signing.sign(text).signature).decode()
        return f"t={time_s},k={self.key_id},v1={proof}"


Sign = Callable[[CallbackSigner, str, bytes], str | None]
"""Signs a target and a body, rightly or wrongly. None leaves the header out."""


def sign_rightly(signer: CallbackSigner, target: str, body: bytes) -> str:
    """Sign as a provider does."""
    return signer.header(target, body)


class WalletReply(msgspec.Struct, frozen=True):
    """What a wallet answers.

    Attributes:
        status: The status code.
        headers: The headers, with names in lower case.
        document: The body, if it is a JSON object, else nothing.
        text: The beginning of the body.
    """

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, object]
    text: str

    @property
    def media_type(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def code(self) -> str:
        """The code of a problem document. Empty if there is none."""
        return str(self.document.get("code", ""))

    @property
    def is_replayed(self) -> bool:
        """True if the wallet says that the call was carried out before."""
        return self.headers.get("idempotent-replayed", "").lower() == "true"

    @property
    def shown(self) -> str:
        """The answer in a line, as a report has it."""
        if self.code:
            detail = str(self.document.get("detail", ""))[:SHOWN_CHARACTERS]
            return f"{self.status} {self.code}" + (f": {detail}" if detail else "")
        replayed = ", Idempotent-Replayed: true" if self.is_replayed else ""
        return f"{self.status}{replayed}" + (f": {self.text}" if self.text else "")


class WalletClient:
    """A connection to a wallet.

    Args:
        target: The wallet's address.
        signer: Signs the calls.
        answer_s: How long an answer may take, in seconds.
    """

    def __init__(self, target: HttpTarget, signer: CallbackSigner, answer_s: float) -> None:
        self._target = target
        self._signer = signer
        self._answer_s = answer_s
        self._connection = HttpConnection(target, {"content-type": "application/json"})

    async def call(
        self, verb: str, body: bytes, sign: Sign = sign_rightly, query: str = ""
    ) -> WalletReply:
        """Send a call, and return its answer.

        Args:
            verb: The last part of the path.
            body: The body.
            sign: Signs it.
            query: What stands behind the path, beginning with a question mark. The signature does
                not cover it.

        Raises:
            Unavailable: There was no answer in time.
        """
        signature = sign(self._signer, f"{self._target.path}/v1/wallet/{verb}", body)
        headers = {} if signature is None else {"x-signature": signature}
        path = f"/v1/wallet/{verb}{query}"
        try:
            async with asyncio.timeout(self._answer_s):
                got = await self._connection.ask("POST", path, body, headers)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {self._answer_s:g} s") from error
        except OSError as error:
            raise Unavailable(f"no answer: {error}") from error
        text = got.body.decode("utf-8", "replace")
        return WalletReply(got.status, got.headers, _object_in(got.body), text[:SHOWN_CHARACTERS])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _object_in(body: bytes) -> Mapping[str, object]:
    """Return the JSON object in a body. If the body holds anything else, return an empty object."""
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return NO_DOCUMENT
