"""Declares `consumer resume`: its options and its help text."""

from __future__ import annotations

from typing import Final

import click

from consumer.cli.declare import takes
from consumer.cli.lazy import LazyCall
from consumer.cli.pause.options import SteerOptions, steering

_resume: Final = LazyCall("consumer.cli.pause.ask:resume", SteerOptions)


@click.command()
@steering
@takes(SteerOptions)
def resume(options: SteerOptions) -> None:
    """Let LISTENER take in deliveries again.

    It ends a pause, and it lets a listener try at once that has stopped itself because most of its
    messages were broken. Such a listener also tries again by itself.

    Without [operations] token, only this machine may do that. If a proxy on this machine reaches
    the operations port, set a token: some proxies add no header that shows them.

    Examples:
      consumer resume payments
    """
    _resume(options)
