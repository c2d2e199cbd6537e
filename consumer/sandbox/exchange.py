"""Sends one signed call to the wallet: rightly, with a wrong signature, or without listening.

Each call has a connection of its own. A connection that stays open between calls may have been
closed by the wallet meanwhile, and then a game could not tell this from an answer that was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
from nacl.signing import SigningKey

from consumer.errors import Unavailable
from consumer.sandbox.journal import SentRequest
from consumer.tools.wallet_check.client import CallbackSigner, WalletClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.sandbox.journal import CallRecord, GameCall, Journal
    from consumer.tools.sample.http_connection import HttpTarget
    from consumer.tools.wallet_check.client import WalletReply

CALLS_MAX_COUNT: Final = 64
"""The largest number of calls at once."""
ANSWER_LOST: Final = "The answer was lost on the way."
NO_ANSWER: Final = "No answer came."
FORGED: Final = "Signed with a wrong key."


class WalletLine:
    """The way to a wallet, for the games of one brand.

    Args:
        target: Returns the wallet's address, or raises `Unavailable`.
        signer: Signs the calls.
        answer_s: How long an answer may take, in seconds.
        room: Limits the calls at once. All lines of a process share it.
    """

    def __init__(
        self,
        target: Callable[[], HttpTarget],
        signer: CallbackSigner,
        answer_s: float,
        room: asyncio.Semaphore,
    ) -> None:
        self._target = target
        self._signer = signer
        self._forger = CallbackSigner(signer.key_id, SigningKey.generate())
        self._answer_s = answer_s
        self._room = room

    async def send(self, call: GameCall, journal: Journal, note: str = "") -> WalletReply | None:
        """Send a call, and return its answer. None if no answer came in time.

        Cancelling: the connection is closed. Nobody knows whether the call was carried out.
        """
        return await self._send(self._signer, call, journal, note)

    async def forge(self, call: GameCall, journal: Journal) -> WalletReply | None:
        """Send a call with the signature of another key. See `send`."""
        return await self._send(self._forger, call, journal, FORGED)

    async def lose(self, call: GameCall, journal: Journal) -> None:
        """Send a whole call, and close the connection before its answer is read.

        Cancelling: as for `send`.
        """
        body = msgspec.json.encode(call.fields)
        async with self._room:
            record = self._note(self._signer, call, journal, ANSWER_LOST)
            with contextlib.suppress(OSError, TimeoutError, Unavailable):
                async with asyncio.timeout(self._answer_s):
                    await self._send_and_leave(record.request, body)
            journal.ended(record, None)

    async def _send(
        self, signer: CallbackSigner, call: GameCall, journal: Journal, note: str
    ) -> WalletReply | None:
        reply = None
        body = msgspec.json.encode(call.fields)
        async with self._room:
            record = self._note(signer, call, journal, note)
            signature = record.request.signature
            try:
                client = WalletClient(self._target(), signer, self._answer_s)
                with contextlib.closing(client):
                    reply = await client.call(call.verb, body, lambda *_: signature)
            except Unavailable:
                record.note = record.note or NO_ANSWER
            finally:
                journal.ended(record, reply)
        return reply

    def _note(
        self, signer: CallbackSigner, call: GameCall, journal: Journal, note: str
    ) -> CallRecord:
        """Sign a call, and write it down. The signature holds the time, so it is made last."""
        path = f"/v1/wallet/{call.verb}"
        signature = signer.header(path, msgspec.json.encode(call.fields))
        return journal.sent(call, SentRequest("POST", path, signature, call.fields), note)

    async def _send_and_leave(self, request: SentRequest, body: bytes) -> None:
        """Send a request, and close the connection.

        Raises:
            OSError, Unavailable: The wallet cannot be reached.
        """
        target = self._target()
        _, writer = await asyncio.open_connection(target.host, target.port, ssl=target.context)
        head = (
            f"POST {request.target} HTTP/1.1\r\nhost: {target.authority}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"x-signature: {request.signature}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            await writer.drain()
        finally:
            # What was written is still sent before the connection ends.
            writer.close()
        await writer.wait_closed()
