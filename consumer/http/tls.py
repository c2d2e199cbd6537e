"""Keeps the certificate of the public port, and reads it again when its files change.

A context that is in use takes a new certificate for the connections that begin after that. So a
renewed certificate needs no restart.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from consumer.errors import ConfigError

if TYPE_CHECKING:
    from consumer.http.settings import HttpTlsSettings

log = structlog.get_logger()


class Certificate:
    """The TLS context of the port.

    Args:
        settings: The files.

    Attributes:
        context: The context of all connections.
    """

    def __init__(self, settings: HttpTlsSettings) -> None:
        self._settings = settings
        self._seen: object = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(self) -> None:
        """Read the files.

        Raises:
            ConfigError: A file cannot be read, or does not fit the others. The text names the
                option and the file.
        """
        settings = self._settings
        self._seen = self._files_now()
        try:
            # Without a password, OpenSSL would ask for it at the terminal.
            self.context.load_cert_chain(
                settings.cert_file, settings.key_file, settings.key_password or ""
            )
        except (OSError, ValueError) as error:
            named = f"{settings.cert_file} and {settings.key_file}"
            raise ConfigError(f"http.tls.cert_file: cannot use {named}: {error}") from error
        if settings.client_ca_file is None:
            return
        try:
            self.context.load_verify_locations(settings.client_ca_file)
        except (OSError, ValueError) as error:
            named = settings.client_ca_file
            raise ConfigError(f"http.tls.client_ca_file: cannot use {named}: {error}") from error
        self.context.verify_mode = ssl.CERT_REQUIRED

    def refresh(self) -> None:
        """Read the files again if one of them has changed. If they are broken, nothing changes."""
        if self._files_now() == self._seen:
            return
        try:
            # A certificate without its new key would break the context that is in use.
            Certificate(self._settings).load()
            self.load()
        except ConfigError as error:
            self._seen = self._files_now()
            log.warning("certificate not read again", why=str(error))
        else:
            log.info("certificate read again", cert_file=self._settings.cert_file)

    def _files_now(self) -> list[tuple[int, int] | None]:
        settings = self._settings
        names = (settings.cert_file, settings.key_file, settings.client_ca_file)
        return [_state_of(name) for name in names if name is not None]


def _state_of(name: str) -> tuple[int, int] | None:
    """Return what changes when a file changes; None while there is no file."""
    try:
        state = Path(name).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino
