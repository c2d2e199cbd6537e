"""Asks a JetStream consumer for messages before they are needed, with one pull request at a time.

Responsible for how much is asked for, and for what the server says about a request. Not responsible
for the messages, which arrive at the subscription. A request is sent while the owner still holds
messages of the request before it, so no batch waits for an answer of the server. There is never a
second request at the same time: the server would serve both in turn, and nobody could tell how many
bytes may still arrive. The protocol is described at
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
"""The time after which the server ends a request, in seconds. We then send the next request."""
HEARTBEAT_S: Final = 5
"""The interval at which the server sends a heartbeat, in seconds. It sends heartbeats while a
request is open and no message is there."""
SILENCE_S: Final = 12
"""The time without messages and heartbeats after which the server counts as gone, in seconds. Two
heartbeats were missed then."""
NS_PER_S: Final = 1_000_000_000
UNLIMITED: Final = -1
"""Switches off the limits of a subscription. nats-py drops messages at its limits, and here the
requests or the owner already limit the messages."""

_CONSUMER_ENDED: Final = ("Consumer Deleted", "Leadership Change", "Server Shutdown")
_TOO_LARGE: Final = "Message Size Exceeds MaxBytes"


class _PullRequest(msgspec.Struct, omit_defaults=True):
    """The body of a request to `$JS.API.CONSUMER.MSG.NEXT`, with the server's names."""

    batch: int
    expires: int = 0
    idle_heartbeat: int = 0
    max_bytes: int = 0
    no_wait: bool = False


class PullRequests:
    """Sends requests to one consumer, and knows how many messages have not arrived yet.

    Args:
        client: The connection.
        stream: The name of the stream.
        consumer: The name of the consumer.
        max_count: The largest number of messages that are asked for or held at the same time.
        max_bytes: The largest size of all these messages together, in bytes. A larger message is
            asked for alone.

    Attributes:
        stream: The name of the stream.
        consumer: The name of the consumer.
        is_at_end: If true, the server has answered `ask_for_end`: the consumer had no more
            messages.
    """

    def __init__(
        self, client: Client, stream: str, consumer: str, *, max_count: int, max_bytes: int
    ) -> None:
        self._client = client
        self.stream = stream
        self.consumer = consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        # A request asks for half of each limit, so that the owner may hold the other half while the
        # request is open.
        self._request_count = max(1, max_count // 2)
        self._request_bytes = max(1, max_bytes // 2)
        self._number = 0
        self._reply = ""
        self._asked_count = 0
        self._left_count = 0
        self._next_is_too_large = False
        self._heard_s = 0.0
        self._end_reply = f"{self._inbox}.end"
        self.is_at_end = False

    async def subscribe(self, on_message: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Subscribe to the server's answers: messages, and statuses of requests.

        Args:
            on_message: A function that is called with each answer. A status has no reply subject.

        Raises:
            nats.errors.Error: The connection is gone.
        """
        # Each request has a reply subject of its own, so that we know to which request a status
        # belongs.
        return await self._client.subscribe(
            f"{self._inbox}.*",
            cb=on_message,
            pending_msgs_limit=UNLIMITED,
            pending_bytes_limit=UNLIMITED,
        )

    async def ask(self, held_count: int, held_bytes: int) -> None:
        """Send a request, if no request is open and at most half of each limit is held.

        Args:
            held_count: The number of messages that the owner holds.
            held_bytes: The size of these messages together, in bytes.

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

    async def ask_for_end(self) -> None:
        """Ask whether the consumer has no more messages. The answer sets `is_at_end`.

        If there is a message after all, the server sends it. It is then counted for the open
        request, which so has one message more than was counted. That does no harm: it is only about
        how much is asked for next.

        Raises:
            nats.errors.Error: The connection is gone.
        """
        request = _PullRequest(1, no_wait=True)
        body = msgspec.json.encode(request)
        await self._client.publish(self._subject, body, reply=self._end_reply)

    def arrived(self) -> None:
        """Note that a message arrived."""
        self._heard_s = asyncio.get_running_loop().time()
        self._next_is_too_large = False
        self._left_count = max(0, self._left_count - 1)

    def check_silence(self) -> None:
        """Notice a server that sends neither messages nor heartbeats, although a request is open.

        Raises:
            ListenerUnavailable: The server was silent for too long (`reason="stalled"`).
        """
        silent_s = asyncio.get_running_loop().time() - self._heard_s
        if self._left_count and silent_s > SILENCE_S:
            raise ListenerUnavailable(
                f"the server has sent neither messages nor heartbeats for {silent_s:.0f} s",
                reason="stalled",
            )

    def read_status(self, msg: Msg) -> ListenerUnavailable | None:
        """Read a status, which is what the server says about a request.

        Returns:
            The reason why no more messages will arrive. None if the owner may go on asking.
        """
        headers = msg.headers or {}
        code, text = headers.get("Status", ""), headers.get("Description", "")
        if msg.subject == self._end_reply and code == "404":
            self.is_at_end = True
        if msg.subject != self._reply:
            return None  # it is about an earlier request, which is over
        self._heard_s = asyncio.get_running_loop().time()
        if code == "100":  # a heartbeat
            return None
        if code == "409" and text == _TOO_LARGE:
            # If no message came before this status, the next message is larger than the limit of a
            # request, so it is asked for alone and without a limit. Otherwise the next message only
            # did not fit behind the others.
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
        f"the server refuses to deliver: {code} {text}; see max_waiting, max_batch, max_expires, "
        "max_bytes and priority_policy of the consumer",
        reason="refused",
    )
