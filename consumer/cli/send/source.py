"""Makes the sender that the options of `consumer send` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.errors import ConfigError
from consumer.tools.sample.senders import make_sender

if TYPE_CHECKING:
    from consumer.cli.send.command import SendOptions
    from consumer.config.load import Config
    from consumer.tools.sample.sender import SampleSender


def asked_sender(config: Config, options: SendOptions) -> SampleSender:
    """Make the sender to the source of the listener of `--to`.

    Raises:
        ConfigError: There is no such listener, or its key cannot be used.
    """
    return make_sender(config, options.listener, key=_key(options), url=options.url or "")


def _key(options: SendOptions) -> str:
    """Return the text of the key; `--key-file` wins over the environment."""
    if options.key_file is None:
        return options.key or ""
    try:
        return options.key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--key-file: {options.key_file} cannot be read: {error}") from error
