"""Lists the kinds of value that an option can hold, and the TLS options that brokers share.

The settings of a part are a frozen msgspec struct beside that part, which `config/load.py` fills.
The name of an option states its unit, and its type states its range.
"""

from __future__ import annotations

import ssl
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta

from consumer.errors import ConfigError

TOKEN: Final = "[A-Za-z0-9_-]{1,64}"  # noqa: S105  # a pattern, not a password
"""The pattern of a token: a name that can stand in a subject, a metric label or a URI."""
TO_THE_END: Final = r"(?!\n)$"
"""To Python, `$` alone also matches before a line break at the end of a text, and that line break
would end a line of NATS' protocol."""

Count = Annotated[int, Meta(ge=1, description="a whole number, at least 1")]
Bytes = Annotated[int, Meta(ge=1, description="bytes, at least 1")]
MAX_SECONDS: Final = 1_000_000_000
"""About 31 years: an infinite time, or a time that a server cannot count, is a mistake."""
Seconds = Annotated[
    float, Meta(gt=0, le=MAX_SECONDS, description=f"seconds, more than 0, at most {MAX_SECONDS:,}")
]
Share = Annotated[float, Meta(gt=0, le=1, description="a share, more than 0, at most 1")]
Text = Annotated[str, Meta(min_length=1, description="text, not empty")]
PATH_AFTER: Final = "path_after"
"""Marks an option that holds a path. Its value in `Meta(extra=…)` is the text before the path."""
FilePath = Annotated[
    str, Meta(min_length=1, description="the path of a file", extra={PATH_AFTER: ""})
]
"""A path, which is relative to the folder of the configuration file: see `config/paths.py`."""
Token = Annotated[
    str, Meta(pattern=f"^{TOKEN}{TO_THE_END}", description="1 to 64 of A-Z a-z 0-9 _ -")
]
OptionalToken = Annotated[
    str,
    Meta(pattern=f"^({TOKEN})?{TO_THE_END}", description="empty, or up to 64 of A-Z a-z 0-9 _ -"),
]
Secret = Annotated[
    str,
    Meta(
        description="a secret, or its file in the option of the same name with _file at the end",
        extra={"secret": True},
    ),
]
"""A value that is never printed. `options/check.py` gives each secret a twin with `_file`."""
HeaderSecret = Annotated[
    str,
    Meta(
        pattern=f"^[!-~]([ -~]*[!-~])?{TO_THE_END}",
        description="a secret of printable ASCII characters without spaces at its ends, or its "
        "file in the option of the same name with _file at the end",
        extra={"secret": True},
    ),
]
"""A secret that is sent in a header of HTTP. Python's error about another character shows it."""


def secret_url(pattern: str, description: str) -> Meta:
    """Return what an address has to be. Its password is masked wherever the address is printed."""
    return Meta(pattern=pattern, description=description, extra={"secret": True, "url": True})


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TLS options of one connection. The options of its part say what switches TLS on.

    Attributes:
        ca_file: The PEM file with the certificates to trust. If absent, the certificates of the
            system are trusted.
        cert_file, key_file: The PEM files of our own certificate and its key, for mutual TLS.
        key_password: The password of the key file.
        verify: If true, the server's certificate and its name are checked. Only a test may use
            false.
        server_hostname: The name to expect in the certificate. If absent, the URL's host.
    """

    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    key_password: Secret | None = None
    verify: bool = True
    server_hostname: str | None = None

    def context(self) -> ssl.SSLContext:
        """Read the files and build the context.

        Raises:
            ConfigError: A file cannot be read, is not a PEM file, or the key is of another
                certificate. The text names the option and the file.
        """
        context = self._trusting()
        if self.cert_file is not None:
            self._load_own(context, self.cert_file)
        elif self.key_file is not None:
            raise ConfigError("tls.key_file: there is no certificate for it, expected a cert_file")
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _load_own(self, context: ssl.SSLContext, cert_file: str) -> None:
        asked = False

        def password() -> str:
            nonlocal asked
            asked = True
            return self.key_password or ""

        try:
            # Without a password, OpenSSL would ask for it at the terminal. It asks us only if the
            # key is under a password, and its own error does not say that this is the reason.
            context.load_cert_chain(cert_file, self.key_file, password)
        except (OSError, ValueError) as error:
            named = " and ".join(name for name in (cert_file, self.key_file) if name)
            if asked and self.key_password is None:
                why = "the key is under a password, and tls.key_password is missing"
            elif asked:
                why = "tls.key_password is not the password of the key"
            else:
                why = str(error)
            raise ConfigError(f"tls.cert_file: cannot use {named}: {why}") from error

    def _trusting(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise ConfigError(f"tls.ca_file: cannot use {self.ca_file}: {error}") from error


def annotated_extra(hint: object) -> dict[str, Any]:  # a Meta takes values of any type
    """Return the first `Meta(extra=…)` anywhere inside a type hint; empty if there is none."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra:
            return meta.extra
    for part in get_args(hint):
        extra = annotated_extra(part)
        if extra:
            return extra
    return {}
