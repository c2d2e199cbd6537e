"""Keeps the certificate of the public port, and reads it again when its files change.

Each time, a new context is made. So the connections that begin after that see nothing of the files
before: a context that is in use would go on trusting a client's CA that is gone from its file.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from consumer.errors import ConfigError
from consumer.options.refresh import refreshed
from consumer.options.secret_file import FileSecret

if TYPE_CHECKING:
    from consumer.http.settings import HttpTlsSettings

log = structlog.get_logger()


class Certificate:
    """The TLS context for the next connection of the port.

    Args:
        settings: The files.
    """

    def __init__(self, settings: HttpTlsSettings) -> None:
        self._settings = settings
        self._seen: object = None
        self._context: ssl.SSLContext | None = None

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        if self._context is None:
            raise TypeError("the certificate is not loaded yet")  # a bug of ours
        return self._context

    def load(self) -> None:
        """Read the files. If they cannot be used, the context stays as it is.

        Raises:
            ConfigError: A file cannot be read, or does not fit the others. The text names the
                option and the file.
        """
        self._seen = self._files_now()  # first: the files may change while they are read
        self._context = _context_of(self._settings)

    def refresh(self) -> None:
        """Read the files again if one of them has changed. If they are broken, nothing changes."""
        if self._files_now() == self._seen:
            return
        try:
            self.load()
        except ConfigError as error:
            # Once for each change: a certificate is often there a moment before its key.
            log.warning("certificate not read again", why=str(error))
        else:
            log.info("certificate read again", cert_file=self._settings.cert_file)

    def _files_now(self) -> list[tuple[int, int, int] | None]:
        settings = self._settings
        names = [settings.cert_file, settings.key_file, settings.client_ca_file]
        if isinstance(settings.key_password, FileSecret):
            names.append(settings.key_password.file)
        return [_state_of(name) for name in names if name is not None]


def _context_of(settings: HttpTlsSettings) -> ssl.SSLContext:
    try:
        settings = refreshed(settings)
    except ConfigError as error:
        raise ConfigError(f"http.tls.{error}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password, OpenSSL would ask for it at the terminal.
        context.load_cert_chain(settings.cert_file, settings.key_file, settings.key_password or "")
    except (OSError, ValueError) as error:
        named = f"{settings.cert_file} and {settings.key_file}"
        raise ConfigError(f"http.tls.cert_file: cannot use {named}: {error}") from error
    if settings.client_ca_file is not None:
        try:
            context.load_verify_locations(settings.client_ca_file)
        except (OSError, ValueError) as error:
            named = settings.client_ca_file
            raise ConfigError(f"http.tls.client_ca_file: cannot use {named}: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _state_of(name: str) -> tuple[int, int, int] | None:
    """Return what changes when a file changes; None while there is no file."""
    try:
        state = Path(name).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino, state.st_size
