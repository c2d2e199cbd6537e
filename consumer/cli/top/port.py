"""Compares two readings of a process: what happened at its public port in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from consumer.cli.terminal.numbers import short_number
from consumer.cli.terminal.safe_text import printable
from consumer.cli.top.growth import growth_per_s

if TYPE_CHECKING:
    from consumer.cli.top.read import ProcessReading


class PortRow(msgspec.Struct, frozen=True):
    """What happens at the public port of a process.

    Attributes:
        process: The address of the process's operations port.
        port: Always `public`. It tells these rows from the rows of listeners.
        connections_count: The number of open connections.
        requests_per_s: The number of answered requests per second, by status.
        shed_per_s: The number of connections and requests per second that were cut off or refused
            to protect the others, by reason.
        key_refusals_per_s: The number of requests per second that were refused because of their
            key, by reason.
        readers_count: The number of open streams of events.
        sent_per_s: The number of events per second that were sent over streams.
        let_go_per_s: The number of streams per second that were closed before their client left, by
            reason.
    """

    head: ClassVar[str] = "public port"

    process: str
    connections_count: int
    requests_per_s: dict[str, float] | None = None
    shed_per_s: dict[str, float] | None = None
    key_refusals_per_s: dict[str, float] | None = None
    readers_count: int = 0
    sent_per_s: float | None = None
    let_go_per_s: dict[str, float] | None = None
    port: str = "public"

    def words(self) -> str:
        """Return the row as a line of text."""
        parts = [f"{self.connections_count} connections"]
        if self.readers_count or self.sent_per_s:
            sent = "" if self.sent_per_s is None else f", {short_number(self.sent_per_s)} events/s"
            parts.append(f"{self.readers_count} readers{sent}")
        for what, rates in (
            ("requests/s", self.requests_per_s),
            ("shed/s", self.shed_per_s),
            ("refused keys/s", self.key_refusals_per_s),
            ("let go/s", self.let_go_per_s),
        ):
            if rates:
                told = (f"{printable(key)} {short_number(rates[key])}" for key in sorted(rates))
                parts.append(f"{what}: {', '.join(told)}")
        return "; ".join(parts)


def port_row(process: str, before: ProcessReading | None, now: ProcessReading) -> PortRow | None:
    """Return the row of a process; None if nothing has ever happened at its public port.

    Args:
        process: The address of the process.
        before: The reading that was taken before `now`. None means that `now` is the first one.
        now: The reading that the row describes.
    """
    port = now.port
    if not port.is_used:
        return None
    if before is None or before.started_s != now.started_s or now.at_s <= before.at_s:
        return PortRow(process, port.connections_count, readers_count=port.readers_count)
    took_s = now.at_s - before.at_s
    return PortRow(
        process,
        port.connections_count,
        requests_per_s=growth_per_s(before.port.requests, port.requests, took_s),
        shed_per_s=growth_per_s(before.port.shed, port.shed, took_s),
        key_refusals_per_s=growth_per_s(before.port.key_refusals, port.key_refusals, took_s),
        readers_count=port.readers_count,
        sent_per_s=round((port.sent_count - before.port.sent_count) / took_s, 3),
        let_go_per_s=growth_per_s(before.port.let_go, port.let_go, took_s),
    )
