"""Asks whether the account and the server would let us make a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import field

from consumer.errors import SinkUnavailable
from consumer.nats.hardened import HardenedClient
from consumer.nats.rights import ACCOUNT_INFO

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.nats.stream import StreamPlan

ANSWER_DEADLINE_S: Final = 3.0


class _Limits(msgspec.Struct):
    """The limits of an account, or of its streams with one number of replicas. -1: no limit."""

    all_bytes: int = field(name="max_storage", default=-1)
    streams_count: int = field(name="max_streams", default=-1)
    stream_bytes: int = field(name="storage_max_stream_bytes", default=-1)
    needs_max_bytes: bool = field(name="max_bytes_required", default=False)


class _Used(msgspec.Struct):
    """What an account has used of its limits."""

    limits: _Limits
    streams_count: int = field(name="streams", default=0)
    reserved_bytes: int = field(name="reserved_storage", default=0)


class _Account(_Used):
    tiers: dict[str, _Used] = {}


_decode: Final = msgspec.json.Decoder(_Account).decode


def refuse_replicas(client: Client, plan: StreamPlan) -> None:
    """Check that the server belongs to a cluster if the plan wants replicas.

    Raises:
        SinkUnavailable: It does not.
    """
    if plan.replicas > 1 and isinstance(client, HardenedClient) and not client.is_clustered:
        raise SinkUnavailable(
            f"stream {plan.name} cannot be created: replicas is {plan.replicas}, and this is a "
            "single server without a cluster"
        )


async def refuse_over_limits(client: Client, plan: StreamPlan) -> None:
    """Check that the limits of the account let us make a stream.

    The disk of the server is not known here: an account without limits of its own may still ask for
    more than the server has.

    Raises:
        SinkUnavailable: The server would refuse. The text names the option and the limit.
        nats.errors.Error: The server does not answer.
    """
    answer = await client.request(ACCOUNT_INFO, timeout=ANSWER_DEADLINE_S)
    try:
        account = _decode(answer.data)
    except msgspec.DecodeError:
        return  # an error: the questions about the stream have told it already
    used: _Used = account
    if account.tiers:  # the limits of an account with tiers are those of its number of replicas
        used = account.tiers.get(f"R{plan.replicas}", _Used(_Limits(streams_count=0)))
    copies_count = 1 if account.tiers else plan.replicas
    problem = _over(used, plan.max_bytes, copies_count)
    if problem:
        raise SinkUnavailable(f"stream {plan.name} cannot be created: {problem}")


def _over(used: _Used, max_bytes: int, copies_count: int) -> str:
    """Name the first limit that a new stream would break. Empty if there is none."""
    limits = used.limits
    wanted_bytes = max(0, max_bytes) * copies_count
    left_bytes = limits.all_bytes - used.reserved_bytes
    if 0 <= limits.streams_count <= used.streams_count:
        return f"the account may have {limits.streams_count} streams, and has {used.streams_count}"
    if limits.needs_max_bytes and max_bytes <= 0:
        return "the account requires a limit of each stream: set max_bytes"
    if 0 < limits.stream_bytes < max_bytes:
        return f"max_bytes is {max_bytes}, and the account allows {limits.stream_bytes} a stream"
    if wanted_bytes and limits.all_bytes >= 0 and left_bytes < wanted_bytes:
        return f"max_bytes needs {wanted_bytes} bytes of storage, and the account has {left_bytes}"
    return ""
