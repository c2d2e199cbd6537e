"""Finds the sender for a listener, by the listener's kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consumer.access import token
from consumer.config.http import HTTP
from consumer.errors import ConfigError
from consumer.options.address import reachable
from consumer.tools.sample.http_connection import HttpTarget, target_of, trusting_only
from consumer.tools.sample.send_http import HttpSender
from consumer.tools.sample.send_kafka import KafkaSender
from consumer.tools.sample.send_nats import NatsSender
from consumer.tools.sample.send_rabbitmq import RabbitmqSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.config.load import Config
    from consumer.http.settings import HttpSettings
    from consumer.tools.sample.sender import SampleSender

# Each sender takes the settings of its own kind of listener only, so no type other than `Any` fits
# all senders.
SENDERS: Final[dict[str, Callable[[Any], SampleSender]]] = {
    "rabbitmq": RabbitmqSender,
    "kafka": KafkaSender,
    "nats": NatsSender,
}
"""The senders that need no more than the options of the listener."""


def make_sender(
    config: Config, listener: str | None, *, key: str = "", url: str = ""
) -> SampleSender:
    """Make a sender to the source of a listener.

    Args:
        config: The configuration.
        listener: The name of the listener. None means the first listener of the configuration.
        key: The text of an access key, for a listener of kind `http`.
        url: The URL of the public port. Empty means the port of `[http]`, on this machine.

    Raises:
        ConfigError: There is no such listener, or no sender for its kind. Or the key, the URL or
            the certificate cannot be used.
    """
    name = listener or next(iter(config.listeners))
    settings = config.listeners.get(name)
    if settings is None:
        names = " or ".join(config.listeners)
        raise ConfigError(f"--to: holds {name!r}, expected a listener of the config: {names}")
    if settings.kind == HTTP and config.http is not None:
        return HttpSender(_port_of(config.http, url), _checked(key))
    make = SENDERS.get(settings.kind)
    if make is None:
        kinds = ", ".join([*SENDERS, HTTP])
        raise ConfigError(f"--to: {name} is of kind {settings.kind!r}, can send to {kinds}")
    return make(settings)


def _checked(key: str) -> str:
    """Refuse a key that no server could know, before anything is sent."""
    if not key:
        raise ConfigError(
            "--key: a listener of kind 'http' needs an access key, as --key, in a file as "
            "--key-file, or in CONSUMER_KEY; run: consumer keys create"
        )
    if token.read(key) is None:
        raise ConfigError("--key: this is no access key: a part is missing, or it has a typo")
    return key


def _port_of(http: HttpSettings, url: str) -> HttpTarget:
    if not url and http.bind.startswith("fd:"):
        raise ConfigError(f"--url: http.bind is {http.bind}, which names no port; expected the URL")
    try:
        if url:
            return target_of(url)
        if http.tls is None:
            return target_of(f"http://{reachable(http.bind)}")
        context = trusting_only(http.tls.cert_file)
        return target_of(f"https://{reachable(http.bind)}", context)
    except ValueError as error:
        raise ConfigError(f"--url: holds {url!r}, expected http://HOST or https://HOST") from error
    except OSError as error:
        raise ConfigError(f"http.tls.cert_file: cannot be read: {error}") from error
