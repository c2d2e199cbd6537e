"""Declares `consumer pause`: its options and its help text."""

from __future__ import annotations

from typing import Final

import click

from consumer.cli.declare import takes
from consumer.cli.lazy import LazyCall
from consumer.cli.pause.options import SteerOptions, steering

_pause: Final = LazyCall("consumer.cli.pause.ask:pause", SteerOptions)


@click.command()
@steering
@takes(SteerOptions)
def pause(options: SteerOptions) -> None:
    """Let LISTENER take in nothing, while the others go on.

    What is in flight is settled. The source keeps its messages meanwhile; whoever posts over HTTP
    gets 503. The pause ends with `consumer resume` or with the process. /readyz shows it, and the
    process stays ready.

    Without [operations] token, only this machine may do that. If a proxy on this machine reaches
    the operations port, set a token: some proxies add no header that shows them.

    Examples:
      consumer pause payments
      consumer pause payments --url 10.0.0.1:9464
    """
    _pause(options)
