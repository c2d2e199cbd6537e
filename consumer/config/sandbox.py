"""Makes the configuration of the sandbox from the configuration of a process.

The sandbox takes the events that are posted with test keys. It has another stream, other dead
letters, another prefix and another window. Its lanes run the same code as the lanes for live
events: see docs/decisions/0011-http-rooms.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.config.http import TEST_ENDING, http_listeners

if TYPE_CHECKING:
    from consumer.config.load import Config


def sandbox_of(config: Config) -> Config | None:
    """Return the configuration of the sandbox; None if there is no sandbox."""
    sandbox = config.sandbox
    if sandbox is None:
        return None
    replace = msgspec.structs.replace
    return replace(
        config,
        listeners={
            name + TEST_ENDING: config.listeners[name] for name in http_listeners(config.listeners)
        },
        dedupe=replace(config.dedupe, window_s=sandbox.window_s, windows_s={}),
        sink=replace(
            config.sink,
            stream=sandbox.stream,
            subject_prefix=sandbox.subject_prefix,
            max_bytes=sandbox.max_bytes,
            duplicate_window_s=min(config.sink.duplicate_window_s, sandbox.window_s),
        ),
        dead_letters=replace(
            config.dead_letters,
            stream=sandbox.dead_letters,
            subject_prefix=sandbox.dead_subject_prefix,
            max_bytes=sandbox.max_bytes,
        ),
    )
