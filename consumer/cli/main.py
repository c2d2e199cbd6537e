"""The command line: which verbs there are, and how their errors end the process.

Exit codes: 0 done, 1 failed, 2 bad configuration or usage, 130 interrupted from the keyboard.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final, NoReturn, cast

import click

from consumer.cli.lazy import imported
from consumer.errors import ConfigError, ConsumerError

VERBS: Final = {
    "run": "Run the daemon: forward events until a signal stops it.",
    "demo": "Show the daemon at work with a sample brand. No broker is needed.",
    "sandbox": "Try an integration: test games, play money, made-up events. Nothing is needed.",
    "ready": "Tell which steps of an integration are done.",
    "check": "Ask every broker whether it is reachable and fit.",
    "send": "Make events and send them to a listener's source.",
    "validate": "Check a file of events against the catalogue.",
    "dead": "List, show, mend, replay or drop dead letters.",
    "keys": "Make, show, rotate and revoke the access keys of the HTTP port.",
    "wallet": "Manage the keys of providers of games, check the books, and test a wallet.",
    "schema": "Print the schemas of events, as JSON Schema, AsyncAPI or OpenAPI.",
    "tap": "Show the events as they pass.",
    "top": "Show what every listener is doing now.",
    "pause": "Let a listener take in nothing, while the others go on.",
    "resume": "Let a listener take in deliveries again.",
    "seen": "Tell what became of one event.",
    "config": "Show the configuration in force, or its JSON Schema.",
}
"""Each verb with its line in the help text. The verb is in `consumer.cli.<verb>.command`."""

INTERRUPTED_CODE: Final = 130
"""The exit code after Ctrl-C: 128 + SIGINT, as shells report it."""


class VerbGroup(click.Group):
    """Imports a verb only when it is called, so that `--help` does not wait for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs in the order in which a newcomer needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb."""
        if cmd_name in VERBS and cmd_name not in self.commands:
            command = imported(f"consumer.cli.{cmd_name}.command:{cmd_name}")
            self.add_command(cast("click.Command", command), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs for `--help`, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb, and turn its errors into exit codes."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The program that reads our output, such as `head`, has ended. Python flushes standard
            # output at exit and would report the same error. So standard output is now /dev/null.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED_CODE)
        except ConsumerError as error:
            _fail(ctx, error)
        except BaseExceptionGroup as group:
            # A task group raises a group even if only one task failed.
            expected, others = group.split(ConsumerError)
            if expected is None or others is not None:
                raise  # an error of another class is a bug: show all errors of the group
            _fail(ctx, _first(expected))


def _first(group: BaseExceptionGroup[ConsumerError]) -> ConsumerError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _fail(ctx: click.Context, error: ConsumerError) -> NoReturn:
    problems = error.problems if isinstance(error, ConfigError) else (str(error),)
    for problem in problems:
        click.echo(f"consumer: {problem}", err=True)
    ctx.exit(2 if isinstance(error, ConfigError) else 1)


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consumer")
def cli() -> None:
    """Take casino events from RabbitMQ, Kafka, NATS and HTTP, and put each once on NATS subjects.

    Begin with `consumer demo`, which needs no broker and no configuration.

    For completion in bash: eval "$(_CONSUMER_COMPLETE=bash_source consumer)"
    """
    # A library raises the errors that it logs, and a verb reports them in its own words. Without
    # this handler, Python would also print what the library logs. `run` sets up a log instead.
    logging.getLogger().addHandler(logging.NullHandler())
