"""Pull requests to a durable JetStream consumer, one under way at a time, sent ahead of need.

Responsible for how much is asked for, and for what the server says about it. A request is sent
while the lane still has messages of the one before, so there is no round trip per batch; two at
once would be served in turn, and nobody could tell how many bytes may still arrive. The protocol:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

EXPIRES_S: Final = 30
"""A request that nothing answered is asked again so often."""
HEARTBEAT_S: Final = 5
"""So often the server says that a request still stands."""
SILENCE_S: Final = 12
"""Two heartbeats missed, and some patience."""
NANO: Final = 1_000_000_000

_LOST: Final = ("Consumer Deleted", "Leadership Change", "Server Shutdown")
_TOO_LARGE: Final = "Message Size Exceeds MaxBytes"


class _Request(msgspec.Struct, omit_defaults=True):
    batch: int
    expires: int
    idle_heartbeat: int
    max_bytes: int = 0


class Pull:
    """What has been asked for and not arrived yet.

    Args:
        client: the connection.
        subject: of the consumer's next messages.
        inbox: messages go to subjects one token below it.
        max_count: at most so many messages asked for and buffered together.
        max_bytes: so many bytes of them; a single larger message passes alone.
    """

    def __init__(
        self, client: Client, subject: str, inbox: str, *, max_count: int, max_bytes: int
    ) -> None:
        self._client = client
        self._subject = subject
        self._inbox = inbox
        self._batch_count = max(1, max_count // 2)
        self._request_bytes = max(1, max_bytes // 2)
        self._number = 0
        self._reply = ""
        self._asked_count = 0
        self._left_count = 0
        self._alone = False
        self._heard_s = 0.0

    async def ask(self, held_count: int, held_bytes: int) -> None:
        """Ask for more, once nothing is under way and at most half of what may be held is held.

        Args:
            held_count: messages that arrived and were not taken.
            held_bytes: their size.

        Raises:
            nats.errors.Error: the connection is gone.
        """
        if self._left_count or held_count > self._batch_count or held_bytes > self._request_bytes:
            return
        if self._alone and held_count:
            return
        self._asked_count = self._left_count = 1 if self._alone else self._batch_count
        request = _Request(self._asked_count, EXPIRES_S * NANO, HEARTBEAT_S * NANO)
        if not self._alone:
            request.max_bytes = self._request_bytes
        self._number += 1
        self._reply = f"{self._inbox}.{self._number}"
        self._heard_s = asyncio.get_running_loop().time()
        await self._client.publish(self._subject, msgspec.json.encode(request), reply=self._reply)

    def arrived(self) -> None:
        """Note that a message came."""
        self._heard_s = asyncio.get_running_loop().time()
        self._alone = False
        self._left_count = max(0, self._left_count - 1)

    def check_silence(self) -> None:
        """Notice a server that forgot the request: neither messages nor heartbeats.

        Raises:
            ListenerUnavailable: `stalled`.
        """
        silent_s = asyncio.get_running_loop().time() - self._heard_s
        if self._left_count and silent_s > SILENCE_S:
            raise ListenerUnavailable(
                f"the server has sent neither messages nor heartbeats for {silent_s:.0f} s",
                reason="stalled",
            )

    def status(self, msg: Msg) -> ListenerUnavailable | None:
        """Read what the server says about a request.

        Returns:
            Why nothing will come any more; None: ask again when there is room.
        """
        if msg.subject != self._reply:
            return None  # "Batch Completed" of the request before; its count said so already
        headers = msg.headers or {}
        code, text = headers.get("Status", ""), headers.get("Description", "")
        self._heard_s = asyncio.get_running_loop().time()
        if code == "100":
            return None
        if code == "409" and text == _TOO_LARGE:
            # A message that does not fit into a whole request has to come alone.
            self._alone = self._left_count == self._asked_count
        elif not (code in ("404", "408") or text == "Batch Completed"):
            return _explain(code, text)
        self._left_count = 0
        return None


def _explain(code: str, text: str) -> ListenerUnavailable:
    if code == "503":
        return ListenerUnavailable("the consumer is not there, or JetStream has no leader now")
    if text in _LOST:
        return ListenerUnavailable(f"the server ended the consumer: {text}")
    return ListenerUnavailable(
        f"the server refuses to deliver: {code} {text}; see max_waiting, max_batch, max_expires "
        "and max_bytes of the consumer",
        reason="refused",
    )
