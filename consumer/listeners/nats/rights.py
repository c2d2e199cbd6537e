"""Says which rights a NATS listener needs, and names the right that the server misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.nats.rights import Right, inbox_right

if TYPE_CHECKING:
    from consumer.listeners.nats.settings import NatsListenerSettings


def source_rights(settings: NatsListenerSettings, *, makes: bool) -> list[Right]:
    """Return the rights of a listener's user.

    Args:
        settings: The options of the listener.
        makes: If true, the durable consumer is made too.
    """
    if settings.stream is None:
        return [Right("subscribe", settings.subject)]
    place = f"{settings.stream}.{settings.durable}"
    info = f"$JS.API.STREAM.INFO.{settings.stream}"
    create = f"$JS.API.CONSUMER.CREATE.{place}.{settings.subject}"
    return [
        Right("publish", info, "to see what its limits delete unread"),
        Right("publish", f"$JS.API.CONSUMER.INFO.{place}"),
        *([Right("publish", create, "only to make it: the name, then the subject")] * makes),
        Right("publish", f"$JS.API.CONSUMER.MSG.NEXT.{place}"),
        Right("publish", f"$JS.ACK.{place}.>"),
        inbox_right(settings.inbox_prefix),
    ]


def missing_right(settings: NatsListenerSettings, complaint: str) -> str:
    """Say which right is missing, from the text of the server's "permissions violation".

    nats-py turns the server's text into lower case, but subjects have upper case too. So the
    subject is looked up among the subjects that a listener uses.

    Args:
        settings: The options of the listener.
        complaint: The server's text.
    """
    told = complaint.lower()
    rights = source_rights(settings, makes=True)
    used = [*(right.subject for right in rights), settings.subject]
    subject = next((one for one in used if one.rstrip("*>").lower() in told), complaint)
    verb = "publish" if "publish" in told else "subscribe"
    return f"permission is missing: allow this NATS user to {verb} to {subject}"
