"""Loads the configuration of a verb, with the kinds of listener that are installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from consumer.config.load import load
from consumer.listeners.registry import kinds

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config


def load_config(config_file: Path | None) -> Config:
    """Read and check the configuration, the environment included.

    Args:
        config_file: The file. None means the first of the usual files that exists.

    Raises:
        ConfigError: Something in it is wrong. The process then ends with exit code 2.
    """
    return load(config_file, os.environ, kinds())
