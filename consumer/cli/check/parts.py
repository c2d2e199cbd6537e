"""Asks the store and the listeners whether they would work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.check.answer import PartAnswer
from consumer.config.render import mask_url
from consumer.errors import StoreUnavailable
from consumer.lanes.outside import caveats, make_store
from consumer.listeners.registry import kinds

if TYPE_CHECKING:
    from consumer.config.load import Config
    from consumer.listeners.base import AnyListener, ListenerClass
    from consumer.stores.base import Store


async def store(config: Config) -> PartAnswer:
    """Ask the store of `[dedupe]`, and write a key of its own, which ends after a minute.

    Raises:
        StoreUnavailable: The daemon would not work. The text says what to do.
    """
    part = make_store(config)
    try:
        warnings = tuple(map(str, await part.open()))
        warnings += await _unread(part)
    finally:
        await part.close()
    if config.dedupe.mode == "shadow":
        warnings = (*map(str, caveats(config)), *warnings)
    if config.dedupe.store == "memory":
        forgets = "forgets everything at a restart, and no two processes share it"
        return PartAnswer(ok=True, text="memory", warnings=(forgets, *warnings))
    return PartAnswer(ok=True, text=mask_url(config.dedupe.url), warnings=warnings)


async def _unread(part: Store) -> tuple[str, ...]:
    """Return a warning if marks cannot be read. Events pass all the same."""
    try:
        await part.recall(["check"])
    except StoreUnavailable as error:
        return (f"consumer seen and dead replay --dry-run will not work: {error}",)
    return ()


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
