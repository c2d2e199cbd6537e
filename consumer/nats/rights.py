"""Says which rights a NATS user needs, and asks the server which rights the user has.

The parts derive their lists from the configuration, and docs/operations.md is written from these
lists. `consumer check` compares them with the answer of the server. No message is published for
this: a test message on the subject of an event would reach its core subscribers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
import nats.errors

from consumer.nats.subjects import covers, overlap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nats.aio.client import Client

    from consumer.nats.stream import StreamPlan

USER_INFO: Final = "$SYS.REQ.USER.INFO"
"""Every server from 2.10 answers here with the rights of the user who asks:
https://docs.nats.io/running-a-nats-service/configuration/sys_accounts"""
ACCOUNT_INFO: Final = "$JS.API.INFO"
STREAM_NAMES: Final = "$JS.API.STREAM.NAMES"
ANSWER_DEADLINE_S: Final = 2.0
"""How long the answer may take, in seconds. Without the right to ask there is never an answer."""


class Right(msgspec.Struct, frozen=True):
    """The right to publish or to subscribe to a subject.

    Attributes:
        verb: What the user may do.
        subject: The subject. It may have wildcards.
        why: What the right is for, where the subject does not say it.
    """

    verb: Literal["publish", "subscribe"]
    subject: str
    why: str = ""


class Permitted(msgspec.Struct, frozen=True):
    """What the server lets a user publish, or subscribe to.

    Attributes:
        allow: The subjects that are allowed. None means all subjects.
        deny: The subjects that are denied although they are allowed.
    """

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()

    def permits(self, subject: str) -> bool:
        """Tell whether every subject that `subject` matches is permitted."""
        if any(overlap(denied, subject) for denied in self.deny):
            return False
        return self.allow is None or any(covers(wide, subject) for wide in self.allow)


class HeldRights(msgspec.Struct, frozen=True):
    """The rights that a user has.

    Attributes:
        publish: What the user may publish.
        subscribe: What the user may subscribe to.
    """

    publish: Permitted = Permitted()
    subscribe: Permitted = Permitted()

    def lacks(self, wanted: Iterable[Right]) -> list[Right]:
        """Return the rights that the user does not have."""
        return [right for right in wanted if not getattr(self, right.verb).permits(right.subject)]


class _AskedUser(msgspec.Struct):
    permissions: HeldRights = HeldRights()


class _RightsAnswer(msgspec.Struct):
    data: _AskedUser


_decode: Final = msgspec.json.Decoder(_RightsAnswer).decode


async def ask_rights(client: Client) -> HeldRights | None:
    """Ask the server which rights the user of a connection has.

    Returns:
        The rights. None if there is no answer: the server is old, or the user may not ask.
    """
    try:
        answer = await client.request(USER_INFO, timeout=ANSWER_DEADLINE_S)
        return _decode(answer.data).data.permissions
    except (nats.errors.Error, TimeoutError, OSError, msgspec.DecodeError):
        return None


def said(rights: Iterable[Right]) -> str:
    """Say that rights are missing, in one text."""
    texts = []
    wanted = list(rights)
    for verb in ("publish", "subscribe"):
        subjects = [right.subject for right in wanted if right.verb == verb]
        if subjects:
            texts.append(f"{verb} to {', '.join(subjects)}")
    return f"permission is missing: allow this NATS user to {'; and to '.join(texts)}"


def use_rights(plan: StreamPlan) -> list[Right]:
    """Return the rights to use a stream that exists, besides the right to publish to it."""
    rights = [Right("publish", f"$JS.API.STREAM.INFO.{plan.name}")]
    if plan.looks:
        why = "to look whether a known message is still there"
        rights.append(Right("publish", f"$JS.API.STREAM.MSG.GET.{plan.name}", why))
    return rights


def create_rights(plan: StreamPlan) -> list[Right]:
    """Return the rights to make a stream that is missing, if the plan says so."""
    why = "only to make it, with create_stream = true"
    return [Right("publish", f"$JS.API.STREAM.CREATE.{plan.name}", why)] if plan.create else []


def widen_rights(plan: StreamPlan) -> list[Right]:
    """Return the rights to add subjects to a stream, if the plan says so."""
    why = "only to add subjects, with create_stream = true"
    return [Right("publish", f"$JS.API.STREAM.UPDATE.{plan.name}", why)] if plan.create else []


def inbox_right(inbox_prefix: str) -> Right:
    """Return the right to get replies."""
    return Right("subscribe", f"{inbox_prefix}.>", "replies; the inbox_prefix")


LOOK_RIGHTS: Final = (
    Right("publish", USER_INFO, "which permissions this user has"),
    Right("publish", ACCOUNT_INFO, "the limits of the account"),
    Right("publish", STREAM_NAMES, "whether another stream stores a subject already"),
)
"""What `consumer check` asks besides. Without one of these rights, it warns and tests less."""
