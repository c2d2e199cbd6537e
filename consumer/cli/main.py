"""The verbs, and what all of them share: how the configuration is found, how errors end.

Exit codes: 0 done, 1 failed, 2 bad configuration or usage, 130 interrupted from the keyboard.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from consumer.errors import ConfigError, ConsumerError

if TYPE_CHECKING:
    from consumer.config.load import Config

VERBS: Final = {
    "run": ("consumer.cli.run.command", "The daemon: forward events until told to stop."),
    "demo": ("consumer.cli.demo.command", "See it work on a sample brand, without any broker."),
    "check": ("consumer.cli.check.command", "Ask every broker whether it is reachable and fit."),
    "send": ("consumer.cli.send.command", "Make events and send them to a listener's source."),
    "validate": ("consumer.cli.validate.command", "Hold a file of events against the catalogue."),
    "dead": ("consumer.cli.dead.command", "Look at dead letters, replay or drop them."),
    "schema": ("consumer.cli.schema", "Print what goes in and out, as JSON Schema or AsyncAPI."),
    "tap": ("consumer.cli.tap.command", "Show the events as they pass."),
    "top": ("consumer.cli.top.command", "Show what every listener is doing now."),
    "seen": ("consumer.cli.seen.command", "Tell what became of one event."),
    "config": ("consumer.cli.config", "Show the effective configuration, or its JSON Schema."),
}
"""Module and one line of help, so that `--help` imports none of them."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells report it."""


class _Verbs(click.Group):
    """Imports a verb when it is asked for, so that `--help` does not wait for three brokers."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in VERBS:
            return None
        command = getattr(import_module(VERBS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        with formatter.section("Verbs"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read us, such as `head`, has had enough. Python would complain once more
            # when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except ConsumerError as error:
            _fail(ctx, error)
        except BaseExceptionGroup as group:
            # A task group wraps even its only error.
            ours = group.subgroup(ConsumerError)
            if ours is None:
                raise
            _fail(ctx, _first(ours))


def _first(group: BaseExceptionGroup[ConsumerError]) -> ConsumerError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _fail(ctx: click.Context, error: ConsumerError) -> NoReturn:
    problems = error.problems if isinstance(error, ConfigError) else (str(error),)
    for problem in problems:
        click.echo(f"consumer: {problem}", err=True)
    ctx.exit(2 if isinstance(error, ConfigError) else 1)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consumer")
def cli() -> None:
    """Take casino events from RabbitMQ, Kafka and NATS; put each once, clean, on NATS subjects.

    Begin with `consumer demo`, which needs no broker and no configuration.
    """
    # What libraries log they also raise, and that is told in our words. `run` has a log.
    logging.getLogger().addHandler(logging.NullHandler())


config_option = click.option(
    "--config",
    "-c",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file. [default: consumer.toml, then /etc/consumer/consumer.toml]",
)
"""What every verb with a configuration takes."""


def load_config(config_file: Path | None) -> Config:
    """Read and check the configuration of a verb.

    Raises:
        ConfigError: which ends the process with 2.
    """
    # Imported late: the listeners bring three broker libraries with them.
    from consumer.config.load import load  # noqa: PLC0415  # as said above
    from consumer.listeners.registry import kinds  # noqa: PLC0415  # as said above

    return load(config_file, os.environ, kinds())
