"""Asks a JetStream consumer for messages ahead of need, with one pull request at a time.

Responsible for how much is asked for, and for what the server says about a request. Not responsible
for the messages, which arrive at their subscription. A request is sent while the owner still holds
messages of the request before it, so no batch waits for a round trip. There is never a second
request under way: the server would serve both in turn, and nobody could tell how many bytes may
still arrive. The protocol:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

EXPIRES_S: Final = 30
"""After this time the server forgets a request, and we send the next one."""
HEARTBEAT_S: Final = 5
"""While a request stands and no message comes, the server says so at this interval."""
SILENCE_S: Final = 12
"""Without messages or heartbeats for this time, two heartbeats were missed: the server is gone."""
NS_PER_S: Final = 1_000_000_000
UNLIMITED: Final = -1
"""No limit of a subscription's own. nats-py drops messages silently at such a limit, and what is
asked for bounds them already."""

_CONSUMER_ENDED: Final = ("Consumer Deleted", "Leadership Change", "Server Shutdown")
_TOO_LARGE: Final = "Message Size Exceeds MaxBytes"


class _PullRequest(msgspec.Struct, omit_defaults=True):
    """The body of a request to `$JS.API.CONSUMER.MSG.NEXT`, with the server's names."""

    batch: int
    expires: int
    idle_heartbeat: int
    max_bytes: int = 0


class PullRequests:
    """The requests to one consumer: what was asked for and has not arrived yet.

    Args:
        client: The connection.
        stream: The name of the stream.
        consumer: The name of the consumer.
        max_count: The largest number of messages that are asked for and held together.
        max_bytes: The largest number of bytes that these messages have together. A single
            message that is larger is asked for alone.
    """

    def __init__(
        self, client: Client, stream: str, consumer: str, *, max_count: int, max_bytes: int
    ) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        # Half of each limit, so that one request may be under way while as much again is held.
        self._request_count = max(1, max_count // 2)
        self._request_bytes = max(1, max_bytes // 2)
        self._number = 0
        self._reply = ""
        self._asked_count = 0
        self._left_count = 0
        self._next_is_too_large = False
        self._heard_s = 0.0

    async def subscribe(self, on_message: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Subscribe to what the server answers: messages, and statuses of requests.

        Args:
            on_message: Called with each of them. A status has no reply subject.

        Raises:
            nats.errors.Error: The connection is gone.
        """
        # Each request has a reply subject of its own, so that a status tells which request it is
        # about.
        return await self._client.subscribe(
            f"{self._inbox}.*",
            cb=on_message,
            pending_msgs_limit=UNLIMITED,
            pending_bytes_limit=UNLIMITED,
        )

    async def ask(self, held_count: int, held_bytes: int) -> None:
        """Send a request, if none is under way and at most half of the limit is held.

        Args:
            held_count: How many messages the owner holds.
            held_bytes: How many bytes they have.

        Raises:
            nats.errors.Error: The connection is gone.
        """
        if self._left_count or held_count > self._request_count or held_bytes > self._request_bytes:
            return
        if self._next_is_too_large and held_count:
            return
        self._asked_count = self._left_count = 1 if self._next_is_too_large else self._request_count
        request = _PullRequest(self._asked_count, EXPIRES_S * NS_PER_S, HEARTBEAT_S * NS_PER_S)
        if not self._next_is_too_large:
            request.max_bytes = self._request_bytes
        self._number += 1
        self._reply = f"{self._inbox}.{self._number}"
        self._heard_s = asyncio.get_running_loop().time()
        await self._client.publish(self._subject, msgspec.json.encode(request), reply=self._reply)

    def arrived(self) -> None:
        """Note that a message arrived."""
        self._heard_s = asyncio.get_running_loop().time()
        self._next_is_too_large = False
        self._left_count = max(0, self._left_count - 1)

    def check_silence(self) -> None:
        """Notice a server that forgot the request: it sends neither messages nor heartbeats.

        Raises:
            ListenerUnavailable: The server is silent for too long (`reason="stalled"`).
        """
        silent_s = asyncio.get_running_loop().time() - self._heard_s
        if self._left_count and silent_s > SILENCE_S:
            raise ListenerUnavailable(
                f"the server has sent neither messages nor heartbeats for {silent_s:.0f} s",
                reason="stalled",
            )

    def read_status(self, msg: Msg) -> ListenerUnavailable | None:
        """Read what the server says about a request.

        Returns:
            Why no message will come any more. None: the owner may ask again when there is room.
        """
        if msg.subject != self._reply:
            return None  # about the request before, whose messages were counted already
        headers = msg.headers or {}
        code, text = headers.get("Status", ""), headers.get("Description", "")
        self._heard_s = asyncio.get_running_loop().time()
        if code == "100":  # a heartbeat
            return None
        if code == "409" and text == _TOO_LARGE:
            # If nothing came before it, the message does not fit into any request: ask for it
            # alone and without a limit. Else it did only not fit behind the others.
            self._next_is_too_large = self._left_count == self._asked_count
        elif not (code in ("404", "408") or text == "Batch Completed"):
            return _explain_status(code, text)
        self._left_count = 0
        return None


def _explain_status(code: str, text: str) -> ListenerUnavailable:
    if code == "503":
        return ListenerUnavailable("the consumer is not there, or JetStream has no leader now")
    if text in _CONSUMER_ENDED:
        return ListenerUnavailable(f"the server ended the consumer: {text}")
    return ListenerUnavailable(
        f"the server refuses to deliver: {code} {text}; see max_waiting, max_batch, max_expires "
        "and max_bytes of the consumer",
        reason="refused",
    )
