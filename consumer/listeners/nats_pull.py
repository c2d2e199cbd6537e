"""Pull requests to a durable JetStream consumer, sent ahead, so that messages keep flowing.

Responsible for how much is asked for: never more than may be buffered. The server's side is
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

EXPIRES_S: Final = 30
"""A request that nothing answered is asked again so often."""
NANO: Final = 1_000_000_000

_ENDS: Final = ("404", "408", "409")
_FATAL: Final = ("Consumer Deleted", "Consumer is push based", "Server Shutdown")


class _Request(msgspec.Struct, omit_defaults=True):
    batch: int
    expires: int
    max_bytes: int = 0


class Pull:
    """What has been asked for and not arrived yet.

    Args:
        client: the connection.
        subject: of the consumer's next messages.
        inbox: where they shall go.
        target_count: at most so many messages asked for and buffered together.
        target_bytes: a single request ends when its messages reach this.
    """

    def __init__(
        self, client: Client, subject: str, inbox: str, *, target_count: int, target_bytes: int
    ) -> None:
        self._client = client
        self._subject = subject
        self._inbox = inbox
        self._target_count = target_count
        self._target_bytes = target_bytes
        self._asked = 0
        self._one_at_a_time = False

    async def ask(self, buffered_count: int, buffered_bytes: int) -> None:
        """Ask for more once half of what may be buffered is used up.

        Args:
            buffered_count: messages that arrived and were not taken.
            buffered_bytes: their bodies.
        """
        room = self._target_count - self._asked - buffered_count
        if room * 2 < self._target_count or buffered_bytes * 2 > self._target_bytes:
            return
        if self._one_at_a_time:
            if self._asked:
                return
            request = _Request(batch=1, expires=EXPIRES_S * NANO)
        else:
            request = _Request(room, EXPIRES_S * NANO, max(1, self._target_bytes // 2))
        self._asked += request.batch
        await self._client.publish(self._subject, msgspec.json.encode(request), reply=self._inbox)

    def arrived(self) -> None:
        """Note that a message came."""
        self._asked = max(0, self._asked - 1)
        if self._asked == 0:
            self._one_at_a_time = False

    def ended(self, msg: Msg) -> str | None:
        """Read a status message, with which the server ends a request.

        Returns:
            Why nothing will come any more; None: ask again.
        """
        headers = msg.headers or {}
        status, text = headers.get("Status", ""), headers.get("Description", "")
        if text in _FATAL:
            return text
        if status in _ENDS:
            left = headers.get("Nats-Pending-Messages", "")
            self._asked = max(0, self._asked - int(left)) if left.isdigit() else 0
        if "Exceeds MaxBytes" in text:
            # One message is larger than a whole request may be: it has to come alone.
            self._one_at_a_time = True
        return None
