"""The verbs, and what all of them share: how the configuration is found, how errors end.

Exit codes: 0 done, 1 failed, 2 bad configuration or usage.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consumer.errors import ConfigError

if TYPE_CHECKING:
    from consumer.config import Config

VERBS: Final = {
    "run": "consumer.cli.run",
    "demo": "consumer.cli.demo",
    "check": "consumer.cli.check",
    "send": "consumer.cli.send",
    "dead": "consumer.cli.dead",
    "config": "consumer.cli.config",
}


class _Verbs(click.Group):
    """Imports a verb when it is asked for, so that `--help` does not wait for three brokers."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        module = VERBS.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(module), cmd_name)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(f"consumer: {problem}", err=True)
            ctx.exit(2)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consumer")
def cli() -> None:
    """Take casino events from RabbitMQ, Kafka and NATS; put each once, clean, on NATS subjects.

    Begin with `consumer demo`, which needs no broker and no configuration.
    """


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
    from consumer.config import load  # noqa: PLC0415  # as said above
    from consumer.listeners.registry import kinds  # noqa: PLC0415  # as said above

    return load(config_file, os.environ, kinds())
