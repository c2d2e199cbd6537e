"""Sets up the logs: one JSON object on each line, or coloured lines on a terminal.

The event of a log line is a constant lower-case text, and data is in the fields of the line. After
a WARNING, the daemon goes on by itself and nothing is lost. An ERROR needs a person. No line holds
a payload or a secret. Text from outside is cut and escaped.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final, Literal, TextIO, cast

import msgspec
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from consumer.operations.log_output import LOG_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from structlog.typing import EventDict, Processor, WrappedLogger

VALUE_MAX_CHARACTERS: Final = 500
LEVELS: Final = {name.lower(): level for name, level in logging.getLevelNamesMapping().items()}
"""The numbers of the levels, by the names of the methods of a logger."""
TLS_CHATTER: Final = (
    "returning true from eof_received",
    "SSL connection is closed",
    "socket.send() raised exception",
)


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[log]`.

    Attributes:
        format: The form of the lines: `json` or `console`. If it is absent, a terminal gets
            `console` and everything else gets `json`.
        level: The lowest level that is written.
    """

    format: Literal["json", "console"] | None = None
    level: Literal["debug", "info", "warning", "error"] = "info"


class LevelFilter:
    """Drops our own lines that are below the level. The level may change at any time."""

    def __init__(self) -> None:
        self.level = logging.INFO

    def __call__(self, _: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Let a line pass, or end its way.

        Raises:
            structlog.DropEvent: The line is below the level.
        """
        if LEVELS[method] < self.level:
            raise structlog.DropEvent
        return event


LEVEL_FILTER: Final = LevelFilter()
"""Loggers keep the processors of their first line, so there is only one filter."""


def set_level(level: str) -> None:
    """Write only lines of this level and above, from now on.

    Args:
        level: See `LogSettings`.
    """
    LEVEL_FILTER.level = LEVELS[level]
    logging.getLogger().setLevel(max(LEVELS[level], logging.WARNING))


def configure(settings: LogSettings) -> None:
    """Send all logs to standard error. Of the libraries' logs, only WARNING and above are sent."""
    console = settings.format == "console" or (settings.format is None and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _cut,
    ]
    render: list[Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The usual formatter also prints the values of variables, such as a body.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if console
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    )
    structlog.configure(
        processors=[LEVEL_FILTER, *shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        # This output has the two methods that are used, and writes a line with one call.
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", LOG_OUTPUT)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(LOG_OUTPUT)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], force=True)
    set_level(settings.level)
    # These libraries log an error with its traceback and then raise it as well. We say it once, in
    # our own words.
    logging.getLogger("asyncio").addFilter(_is_no_chatter)
    for library in ("aiormq", "aiokafka", "nats", "uvicorn"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def never_waiting(dropped: Callable[[], object]) -> AbstractContextManager[None]:
    """Log without waiting for the reader of standard error, for the rest of a daemon's life.

    Args:
        dropped: A function that is called for each line that is dropped.
    """
    return LOG_OUTPUT.never_waiting(dropped, _flows_again)


def _flows_again(dropped_count: int) -> None:
    structlog.get_logger().warning("log lines dropped", lines=dropped_count)


def _is_no_chatter(record: logging.LogRecord) -> bool:
    """Return false for what asyncio and uvloop say at each loss of a TLS connection.

    The owner of the connection says it in words that an operator can use.
    """
    return not record.getMessage().startswith(TLS_CHATTER)


def _to_json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def _cut(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str) and len(value) > VALUE_MAX_CHARACTERS:
            event[name] = f"{value[:VALUE_MAX_CHARACTERS]}…"
    return event
