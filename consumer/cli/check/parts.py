"""Asks the parts of a lane group whether they would work, and creates or changes no stream.

There is one question for each part, and each answer has a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from nats.js.errors import NotFoundError

from consumer.config.render import mask_url
from consumer.dead_letters.plan import dead_letter_plan
from consumer.lanes.outside import caveats, make_store
from consumer.listeners.registry import kinds
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.nats.stream import StreamPlan, prepare_stream, refuse_small_messages
from consumer.nats.subjects import covers
from consumer.sinks.plans import event_plan

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.config.load import Config
    from consumer.listeners.base import AnyListener, ListenerClass

CONNECTION_NAME: Final = "consumer check"


class PartAnswer(msgspec.Struct, frozen=True):
    """What a part answered.

    Attributes:
        ok: If true, the daemon would work with this part.
        text: What was found. If `ok` is false: what is wrong, and what to do about it.
        warnings: Properties of the part that may surprise the operator, although it works.
    """

    ok: bool
    text: str = ""
    warnings: tuple[str, ...] = ()


async def store(config: Config) -> PartAnswer:
    """Ask the store of `[dedupe]`."""
    part = make_store(config)
    try:
        found = await part.open()
    finally:
        await part.close()
    warnings = tuple(map(str, found))
    if config.dedupe.mode == "shadow":
        warnings = (*map(str, caveats(config)), *warnings)
    if config.dedupe.store == "memory":
        forgets = "forgets everything at a restart, and no two processes share it"
        return PartAnswer(ok=True, text="memory", warnings=(forgets, *warnings))
    return PartAnswer(ok=True, text=mask_url(config.dedupe.url), warnings=warnings)


async def sink(config: Config) -> PartAnswer:
    """Ask the server of `[sink]`, and compare the stream of events with what is wanted."""
    if config.sink.kind == "core":
        async with connected(config.sink, name=CONNECTION_NAME):
            pass  # the server can be reached
        at_most_once = "core NATS is at most once: an event that nobody hears is gone"
        return PartAnswer(ok=True, text=mask_url(config.sink.url), warnings=(at_most_once,))
    return await _stream(config, event_plan(config.sink, config.routes))


async def dead_letters(config: Config) -> PartAnswer:
    """Compare the stream of dead letters with what is wanted."""
    return await _stream(config, dead_letter_plan(config.dead_letters, config.sink))


async def _stream(config: Config, plan: StreamPlan) -> PartAnswer:
    async with connected(config.sink, name=CONNECTION_NAME) as client:
        refuse_small_messages(client, plan)
        with explained(plan.name, missing="was it deleted just now?", client=client):
            return await _inspect(client, plan)


async def _inspect(client: Client, plan: StreamPlan) -> PartAnswer:
    """Compare a stream with what is wanted, as the daemon does, but change nothing."""
    jetstream = client.jetstream()
    try:
        config = (await jetstream.stream_info(plan.name)).config
    except NotFoundError:
        config = None
    stored = (config.subjects or []) if config else []
    missing = [one for one in plan.subjects if not any(covers(wide, one) for wide in stored)]
    if plan.create:
        taken = await _taken(client, plan.name, missing)
        if taken:
            return PartAnswer(ok=False, text=taken)
        if config is None:
            return PartAnswer(ok=True, text=f"stream {plan.name} will be created")
        plan = msgspec.structs.replace(plan, subjects=())
    found = await prepare_stream(client, msgspec.structs.replace(plan, create=False))
    added = f"; {', '.join(missing)} will be added" if missing else ""
    warnings = tuple(map(str, found.caveats))
    return PartAnswer(ok=True, text=f"stream {plan.name}{added}", warnings=warnings)


async def _taken(client: Client, own: str, subjects: list[str]) -> str:
    """Say which other stream stores one of the subjects: no two streams may share a subject."""
    for subject in subjects:
        try:
            other = await client.jetstream().find_stream_name_by_subject(subject)
        except NotFoundError:
            continue
        if other != own:
            return (
                f"stream {other} stores {subject} already, so {own} cannot: "
                "set another subject_prefix, or take the subject away from it"
            )
    return ""


async def listener(config: Config, name: str, *, opens: bool) -> PartAnswer:
    """Look at a listener's source, or open the listener as the daemon does, and close it again.

    Args:
        config: The configuration.
        name: The listener's name.
        opens: If true, the listener is opened, and its broker notices this. If false, nothing
            changes at the source.
    """
    settings = config.listeners[name]
    kind: ListenerClass = kinds()[settings.kind]
    asked = kind(name, settings)
    try:
        told = await _opened(asked) if opens else await asked.look()
    finally:
        await asked.close()
    warnings = [str(caveat) for caveat in asked.caveats]
    if not asked.source_keeps and asked.answer_within_s is None:
        warnings.insert(0, "at most once: what comes while we are away is gone")
    text = f"{settings.kind}, {told}" if told else settings.kind
    return PartAnswer(ok=True, text=text, warnings=tuple(warnings))


async def _opened(asked: AnyListener) -> str:
    await asked.open()
    waiting_count = await asked.backlog()
    return "" if waiting_count is None else f"{waiting_count} messages wait"
