"""Asks whether the streams of the sink would work, and creates or changes none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import nats.errors
from nats.js.errors import NotFoundError

from consumer.cli.check.answer import CONNECTION_NAME, PartAnswer
from consumer.cli.check.limits import refuse_over_limits, refuse_replicas
from consumer.config.render import mask_url
from consumer.dead_letters.plan import dead_letter_plan, letter_rights
from consumer.errors import SinkUnavailable
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.nats.rights import (
    ACCOUNT_INFO,
    LOOK_RIGHTS,
    STREAM_NAMES,
    USER_INFO,
    HeldRights,
    Right,
    ask_rights,
    create_rights,
    inbox_right,
    said,
    use_rights,
    widen_rights,
)
from consumer.nats.stream import StreamPlan, prepare_stream, refuse_small_messages, see_stream
from consumer.nats.subjects import covers
from consumer.sinks.plans import event_plan, event_rights

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.config.load import Config

ANSWER_DEADLINE_S: Final = 5.0
UNTESTED: Final = f"permissions were not tested: allow this NATS user to publish to {USER_INFO}"


async def sink(config: Config) -> PartAnswer:
    """Ask the server of `[sink]`, and compare the stream of events with what is wanted.

    Raises:
        SinkUnavailable: The daemon would not work. The text says what to do.
    """
    rights = event_rights(config.sink, config.routes)
    if config.sink.kind == "core":
        async with connected(config.sink, name=CONNECTION_NAME) as client:
            held = await ask_rights(client)
        _refuse_missing_rights(held, rights)
        at_most_once = "core NATS is at most once: an event that nobody hears is gone"
        warnings = (at_most_once,) if held else (at_most_once, UNTESTED)
        return PartAnswer(ok=True, text=mask_url(config.sink.url), warnings=warnings)
    return await _stream(config, event_plan(config.sink, config.routes), rights)


async def dead_letters(config: Config) -> PartAnswer:
    """Compare the stream of dead letters with what is wanted.

    Raises:
        SinkUnavailable: See `sink`.
    """
    plan = dead_letter_plan(config.dead_letters, config.sink)
    return await _stream(config, plan, letter_rights(config.dead_letters))


async def _stream(config: Config, plan: StreamPlan, rights: list[Right]) -> PartAnswer:
    rights = [*rights, *use_rights(plan), inbox_right(config.sink.inbox_prefix)]
    async with connected(config.sink, name=CONNECTION_NAME) as client:
        refuse_small_messages(client, plan)
        held = await ask_rights(client)
        _refuse_missing_rights(held, rights)
        return await _inspect(client, plan, held)


def _refuse_missing_rights(held: HeldRights | None, rights: list[Right]) -> None:
    missing = [] if held is None else held.lacks(rights)
    if missing:
        raise SinkUnavailable(said(missing))


async def _inspect(client: Client, plan: StreamPlan, held: HeldRights | None) -> PartAnswer:
    """Compare a stream with what is wanted, as the daemon does, but change nothing."""
    seen = await see_stream(client, plan.name, ANSWER_DEADLINE_S)
    stored = (seen.config.subjects or []) if seen else []
    missing = [one for one in plan.subjects if not any(covers(wide, one) for wide in stored)]
    warnings = [UNTESTED] if held is None else []
    if plan.create and missing:
        _refuse_missing_rights(held, widen_rights(plan) if seen else create_rights(plan))
        warnings += await _refuse_taken(client, plan.name, missing, held)
        if seen is None:
            warnings += await _refuse_unmade(client, plan, held)
            text = f"stream {plan.name} will be created"
            return PartAnswer(ok=True, text=text, warnings=tuple(warnings))
        plan = msgspec.structs.replace(plan, subjects=())
    found = await prepare_stream(client, msgspec.structs.replace(plan, create=False))
    added = f"; {', '.join(missing)} will be added" if missing else ""
    warnings += map(str, found.caveats)
    return PartAnswer(ok=True, text=f"stream {plan.name}{added}", warnings=tuple(warnings))


async def _refuse_taken(
    client: Client, own: str, subjects: list[str], held: HeldRights | None
) -> list[str]:
    """Refuse subjects that another stream stores: no two streams may share a subject.

    Returns:
        A warning if the server may not be asked.
    """
    if _may_not(held, STREAM_NAMES):
        return [_unknown(STREAM_NAMES)]
    jetstream = client.jetstream(timeout=ANSWER_DEADLINE_S)
    for subject in subjects:
        try:
            other = await jetstream.find_stream_name_by_subject(subject)
        except NotFoundError:
            continue
        except (nats.errors.TimeoutError, TimeoutError):
            return [_unknown(STREAM_NAMES)]
        if other != own:
            raise SinkUnavailable(
                f"stream {other} stores {subject} already, so {own} cannot: "
                "set another subject_prefix, or take the subject away from it"
            )
    return []


async def _refuse_unmade(client: Client, plan: StreamPlan, held: HeldRights | None) -> list[str]:
    """Refuse a stream that the server would not make. Return a warning if it may not be asked."""
    refuse_replicas(client, plan)
    if _may_not(held, ACCOUNT_INFO):
        return [_unknown(ACCOUNT_INFO)]
    with explained(plan.name, missing="was it deleted just now?"):
        try:
            await refuse_over_limits(client, plan)
        except (nats.errors.TimeoutError, TimeoutError):
            return [_unknown(ACCOUNT_INFO)]
    return []


def _may_not(held: HeldRights | None, subject: str) -> bool:
    return held is not None and not held.publish.permits(subject)


def _unknown(subject: str) -> str:
    what = next(right.why for right in LOOK_RIGHTS if right.subject == subject)
    return f"not tested: {what}; allow this NATS user to publish to {subject}"
