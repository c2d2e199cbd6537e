"""Watches the process of a configuration.

This module is separate, because it reads a configuration and so imports the three broker libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.cli.input.configuration import load_config
from consumer.cli.top.watch import watch
from consumer.options.address import reachable

if TYPE_CHECKING:
    from consumer.cli.top.command import TopOptions


async def watch_configured(options: TopOptions) -> None:
    """Show the process whose operations port the configuration names.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
        ConfigError: The configuration is wrong.
    """
    address = reachable(load_config(options.config_file).operations.bind)
    await watch(msgspec.structs.replace(options, urls=(f"http://{address}",)))
