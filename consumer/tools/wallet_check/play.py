"""Plays a case: sends calls, and compares answers and balances with the contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from consumer.errors import Unavailable
from consumer.tools.wallet_check.client import sign_rightly
from consumer.tools.wallet_check.expectations import CARRIED_OUT_STATUS
from consumer.tools.wallet_check.failure import CaseFailed
from consumer.tools.wallet_check.leftovers import Leftovers
from consumer.tools.wallet_check.orders import OrderMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from consumer.ledger.answers import Funds
    from consumer.tools.wallet_check.client import Sign, WalletClient, WalletReply
    from consumer.tools.wallet_check.expectations import BookedAnswer
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.settings import PreparedCheck


class Play(OrderMaker):
    """One case at play. What it sends in order, it sends over one connection.

    Args:
        prepared: What the file says.
        ids: Yields ids that nobody has used.
        connect: Makes a client with a connection of its own.

    Attributes:
        leftovers: What the case has done so far.
    """

    def __init__(
        self, prepared: PreparedCheck, ids: Iterator[str], connect: Callable[[], WalletClient]
    ) -> None:
        super().__init__(prepared, ids)
        self._connect = connect
        self._client = connect()
        self._clients = [self._client]
        self.leftovers = Leftovers()

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    async def call(
        self,
        verb: str,
        fields: CallFields,
        client: WalletClient | None = None,
        *,
        sign: Sign = sign_rightly,
        query: str = "",
    ) -> WalletReply:
        """Send a call, and return its answer.

        Args:
            verb: The call.
            fields: Its body.
            client: The connection. None means that of the case.
            sign: Signs it.
            query: See `WalletClient.call`.

        Raises:
            CaseFailed: There was no answer in time.
        """
        try:
            reply = await (client or self._client).call(
                verb, msgspec.json.encode(fields), sign, query
            )
        except Unavailable as error:
            raise CaseFailed(f"an answer to {verb}", str(error)) from error
        if reply.status == CARRIED_OUT_STATUS:
            self.leftovers.note(verb, fields)
        return reply

    async def send(self, verb: str, body: bytes) -> WalletReply:
        """Send bytes that may be no JSON, signed rightly, and return the answer.

        Raises:
            CaseFailed: There was none in time.
        """
        try:
            return await self._client.call(verb, body)
        except Unavailable as error:
            raise CaseFailed(f"an answer to {verb}", str(error)) from error

    async def done(
        self, verb: str, fields: CallFields, *, units: int | None = None, knows_player: bool = True
    ) -> BookedAnswer:
        """Send a call that has to be carried out now.

        Args:
            verb: The call.
            fields: Its body.
            units: The amount that the answer has to show. None means that of the body, if any.
            knows_player: If false, the answer needs no amounts.

        Raises:
            CaseFailed: It is answered otherwise.
        """
        reply = await self.call(verb, fields)
        booked = self.booked(verb, fields, reply, units=units, knows_player=knows_player)
        self.expect.replayed(verb, reply, wanted=False)
        if booked.now is not None and booked.after_units != booked.now.total_units:
            raise CaseFailed(
                f"`balance_after` = `balance` in the first answer to {verb}", reply.text
            )
        return booked

    def booked(
        self,
        verb: str,
        fields: CallFields,
        reply: WalletReply,
        *,
        units: int | None = None,
        knows_player: bool = True,
    ) -> BookedAnswer:
        """Read the answer to a call that is carried out, now or before. See `done`.

        Raises:
            CaseFailed: It is another answer.
        """
        self.expect.carried_out(verb, reply)
        if units is None and "amount" in fields and verb != "rollback":
            units = self.expect.read(str(fields["amount"]))
        return self.expect.booked(
            verb, reply.document, fields["transaction_id"], units, knows_player=knows_player
        )

    async def again(self, verb: str, fields: CallFields, first: BookedAnswer) -> BookedAnswer:
        """Send a call that was carried out before. Expect the stored answer.

        Raises:
            CaseFailed: It is answered otherwise.
        """
        reply = await self.call(verb, fields)
        knows_player = first.now is not None
        booked = self.booked(verb, fields, reply, knows_player=knows_player)
        self.expect.replayed(verb, reply, wanted=True)
        self.expect.same_facts(verb, first, booked)
        return booked

    async def refused(self, verb: str, fields: CallFields, *codes: str) -> WalletReply:
        """Send a call that has to be refused with one of these codes.

        Raises:
            CaseFailed: It is answered otherwise.
        """
        reply = await self.call(verb, fields)
        self.expect.refused(verb, reply, *codes)
        return reply

    async def funds(self, session: str = "usual") -> Funds:
        """Ask for the balance of a session. The first answer is what the case began with.

        Raises:
            CaseFailed: It is not answered as it should be.
        """
        reply = await self.call("balance", {"session": self.session(session)})
        self.expect.carried_out("balance", reply)
        funds = self.expect.funds("balance", reply.document)
        self.leftovers.began.setdefault(session, funds)
        return funds

    async def moved(self, units: int, session: str = "usual") -> Funds:
        """Expect that the balance has changed by so much since the case began.

        Raises:
            CaseFailed: It has changed by another amount.
        """
        began = self.leftovers.began[session]
        now = await self.funds(session)
        if now.total_units - began.total_units != units:
            text = self.expect.text
            how = "the same as"
            if units:
                how = f"{text(abs(units))} {'more' if units > 0 else 'less'} than"
            raise CaseFailed(
                f"the balance {text(began.total_units + units)}, which is {how} before the case",
                text(now.total_units),
            )
        return now

    async def at_once(self, *calls: tuple[str, CallFields]) -> Sequence[WalletReply]:
        """Send calls at the same moment, each over a connection of its own.

        Raises:
            CaseFailed: One of them was not answered in time.
        """
        clients = [self._connect() for _ in calls]
        self._clients += clients
        for client in clients:  # opened now, so that no handshake comes between the calls
            await self.call("balance", {"session": self.session("usual")}, client)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._reply_or_failure(verb, fields, client), name=verb)
                for client, (verb, fields) in zip(clients, calls, strict=True)
            ]
        replies: list[WalletReply] = []
        for task in tasks:
            found = task.result()
            if isinstance(found, CaseFailed):
                raise found
            replies.append(found)
        return replies

    async def _reply_or_failure(
        self, verb: str, fields: CallFields, client: WalletClient
    ) -> WalletReply | CaseFailed:
        """Send a call. A failure is returned, so that it does not end the other calls."""
        try:
            return await self.call(verb, fields, client)
        except CaseFailed as failed:
            return failed
