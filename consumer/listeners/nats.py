"""Listens to NATS: a durable JetStream consumer, or a core subscription (at most once).

Responsible for the flow of messages and their acknowledgement. The pull requests are in
`nats_pull.py`, the durable consumer in `nats_consumer.py`, the connection in
`consumer/nats_connection.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import nats.errors
import structlog

from consumer.errors import ListenerUnavailable, Unavailable
from consumer.listeners.base import Delivery, Listener, ListenerSettings, Origin, Outcome
from consumer.listeners.nats_consumer import prepare_consumer
from consumer.listeners.nats_pull import Pull
from consumer.nats_connection import NatsSettings, close, connect
from consumer.options import Count, Seconds, Secret, Text, TlsSettings, Token, Url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

ANSWER_DEADLINE_S: Final = 5.0
FLUSH_DEADLINE_S: Final = 2
KEEPS_PER_ACK_WAIT: Final = 3
V1_TOKENS: Final = 9
"""`$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`; version
2 has domain and account hash after `ACK`:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md"""

log = structlog.get_logger()


class NatsListenerSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `kind = "nats"`; those of the connection are explained in `NatsSettings`.

    Attributes:
        subject: what to listen to, wildcards allowed.
        stream: the JetStream stream that holds it; absent: core subscription, at most once.
        durable: the consumer's name; made when it is not there.
        type_from: `header` (`type`, any case), or `subject`: its last token.
        ack_wait_s: of a consumer that is made: how long until a silent delivery comes again.
        max_ack_pending_count: of a consumer that is made.
        queue_group: core only: share the subject with others of this group.
    """

    kind: str = "nats"
    subject: Text
    stream: Token | None = None
    durable: Token = "consumer"
    type_from: Literal["header", "subject"] = "header"
    ack_wait_s: Seconds = 30.0
    max_ack_pending_count: Count = 10_000
    queue_group: Token | None = None
    # The fields of NatsSettings: msgspec structs cannot have two bases.
    url: Url = "nats://127.0.0.1:4222"
    user: Text | None = None
    password: Secret | None = None
    token: Secret | None = None
    nkey_seed: Secret | None = None
    credentials_file: Text | None = None
    tls: TlsSettings | None = None
    tls_handshake_first: bool = False
    inbox_prefix: Text = "_INBOX"
    connect_timeout_s: Seconds = 5.0

    def connection(self) -> NatsSettings:
        """Return the options of the connection alone."""
        names = NatsSettings.__struct_fields__
        return NatsSettings(**{name: getattr(self, name) for name in names})


class NatsListener(Listener[NatsListenerSettings]):
    """One connection to NATS and what arrives over it."""

    kind: ClassVar[str] = "nats"
    settings_type: ClassVar[type[ListenerSettings]] = NatsListenerSettings

    def __init__(self, name: str, settings: NatsListenerSettings) -> None:
        super().__init__(name, settings)
        self.durable = settings.stream is not None
        self.keep_every_s = settings.ack_wait_s / KEEPS_PER_ACK_WAIT if self.durable else None
        self._client: Client | None = None
        self._pull: Pull | None = None
        self._subscription: Subscription | None = None
        self._buffer: deque[Delivery] = deque()
        self._buffered_bytes = 0
        self._dropped_count = 0
        self._unsettled: dict[int, Delivery] = {}
        self._lost: ListenerUnavailable | None = None
        self._news = asyncio.Event()

    async def open(self) -> None:
        """See `Listener.open`."""
        settings = self.settings
        try:
            client = self._client = await connect(
                settings.connection(),
                name=f"consumer {self.name}",
                on_lost=lambda why: self._lose(f"connection lost: {why}"),
                on_error=self._complain,
            )
        except Unavailable as error:
            reason = "refused" if "login refused" in str(error) else "lost"
            raise ListenerUnavailable(str(error), reason=reason) from error
        if settings.stream is None:
            group = settings.queue_group or ""
            await client.subscribe(settings.subject, queue=group, cb=self._on_core_message)
            log.warning("listener is at most once", listener=self.name, instead="set stream")
            return
        await prepare_consumer(client.jetstream(), settings)
        inbox = client.new_inbox()
        # No limits here: what is asked for bounds what arrives.
        self._subscription = await client.subscribe(
            inbox, cb=self._on_message, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._pull = Pull(
            client,
            f"$JS.API.CONSUMER.MSG.NEXT.{settings.stream}.{settings.durable}",
            inbox,
            target_count=min(settings.max_batch_count * 4, settings.max_ack_pending_count),
            target_bytes=settings.max_buffered_bytes,
        )
        await self._pull.ask(0, 0)

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        if not self._buffer and self._lost is None:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                pass  # nothing arrived; the request below is repeated where it has expired
        if self._lost is not None:
            raise self._lost
        taken = self._take(max_count, max_bytes)
        if self._pull is not None:
            await self._guarded(self._pull.ask(len(self._buffer), self._buffered_bytes))
        return taken

    def _take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        taken: list[Delivery] = []
        size = 0
        while self._buffer and len(taken) < max_count:
            size += len(self._buffer[0].body)
            if taken and size > max_bytes:
                break
            taken.append(self._buffer.popleft())
        self._buffered_bytes -= sum(len(delivery.body) for delivery in taken)
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`."""
        for delivery in deliveries:
            if self._unsettled.pop(id(delivery), None) is None:
                continue
            # Acknowledged only when stored; everything else shall come again at once.
            answer = b"-NAK" if delivery.outcome is Outcome.RETRY else b"+ACK"
            await self._answer(delivery, answer)

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.keep`. What waits in the buffer is kept as well."""
        for delivery in (*deliveries, *self._buffer):
            if id(delivery) in self._unsettled:
                await self._answer(delivery, b"+WPI")

    async def _answer(self, delivery: Delivery, answer: bytes) -> None:
        if self._lost is not None or self._client is None:
            raise self._lost or ListenerUnavailable("closed")
        await self._guarded(self._client.publish(_token(delivery).reply, answer))

    async def _guarded(self, sending: object) -> None:
        """Send something, and translate what can go wrong with the connection."""
        try:
            await sending  # type: ignore[misc]  # a coroutine of nats-py, which has no types
        except (nats.errors.Error, OSError) as error:
            raise ListenerUnavailable(f"connection lost: {error}") from error

    async def backlog(self) -> int | None:
        """See `Listener.backlog`. Core NATS keeps nothing, so there it only has to answer."""
        client = self._client
        if client is None or self._lost is not None:
            raise self._lost or ListenerUnavailable("not open")
        settings = self.settings
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                if settings.stream is None:
                    await client.flush()
                    return None
                info = await client.jetstream().consumer_info(settings.stream, settings.durable)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise ListenerUnavailable(f"no answer about the consumer: {error}") from error
        return int(info.num_pending or 0)

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`."""
        msg = _token(delivery)
        coordinates = {"subject": msg.subject}
        parts = _ack_parts(msg.reply)
        if parts:
            stream, consumer, delivered, sequence = parts
            coordinates |= {
                "stream": stream,
                "consumer": consumer,
                "sequence": sequence,
                "delivered": delivered,
            }
        return Origin(coordinates, dict(msg.headers or {}))

    async def close(self) -> None:
        """See `Listener.close`."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if self._lost is None:
                await self._give_back(client)
        finally:
            self._lose("closed")
            await close(client)

    async def _give_back(self, client: Client) -> None:
        """Let what is unsettled come again at once, and make sure that acknowledgements arrived."""
        try:
            async with asyncio.timeout(FLUSH_DEADLINE_S):
                if self._subscription is not None:
                    # Else what is given back comes at once to our own last request, and waits
                    # there for its ack wait to end.
                    await self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py's
                for delivery in self._unsettled.values():
                    await client.publish(_token(delivery).reply, b"-NAK")
                await client.flush()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            log.debug("giving back failed", listener=self.name, why=str(error))

    async def _on_message(self, msg: Msg) -> None:
        if not msg.reply:  # a status of the server; a sender's message always has a reply
            fatal = self._pull.ended(msg) if self._pull else None
            if fatal:
                self._lose(f"the server says: {fatal}", reason="refused")
            self._news.set()
            return
        if self._pull is not None:
            self._pull.arrived()
        parts = _ack_parts(msg.reply)
        delivery = self._delivery(msg, redelivered=parts is not None and parts[2] != "1")
        self._unsettled[id(delivery)] = delivery
        self._store(delivery)

    async def _on_core_message(self, msg: Msg) -> None:
        if self._buffered_bytes + len(msg.data) > self.settings.max_buffered_bytes:
            self._dropped_count += 1
            if self._dropped_count.bit_count() == 1:  # 1, 2, 4, 8, …: a flood is no flood of lines
                log.error("messages dropped", listener=self.name, count=self._dropped_count)
            return
        self._store(self._delivery(msg, redelivered=False))

    def _delivery(self, msg: Msg, *, redelivered: bool) -> Delivery:
        headers = {name.lower(): text for name, text in (msg.headers or {}).items()}
        by_subject = self.settings.type_from == "subject"
        message_type = msg.subject.rpartition(".")[2] if by_subject else headers.get("type")
        encoding = headers.get("content-encoding")
        return Delivery(msg.data, message_type, msg, encoding, redelivered)

    def _store(self, delivery: Delivery) -> None:
        self._buffer.append(delivery)
        self._buffered_bytes += len(delivery.body)
        self._news.set()

    def _lose(self, why: str, *, reason: str = "lost") -> None:
        if self._lost is None:
            self._lost = ListenerUnavailable(why, reason=reason)
            self._news.set()

    def _complain(self, error: Exception) -> None:
        """Hear the server; a missing permission shows nowhere else."""
        text = str(error)
        if "permissions violation" in text.lower():
            self._lose(f"permission missing, allow this subject: {text}", reason="refused")


def _token(delivery: Delivery) -> Msg:
    msg: Msg = delivery.token  # type: ignore[assignment]  # every delivery of this listener has one
    return msg


def _ack_parts(reply: str) -> tuple[str, str, str, str] | None:
    """Return stream, consumer, count of deliveries and stream sequence; None: not JetStream."""
    tokens = reply.split(".")
    first = 2 if len(tokens) == V1_TOKENS else 4
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < first + 4:
        return None
    stream, consumer, delivered, sequence = tokens[first : first + 4]
    return stream, consumer, delivered, sequence
