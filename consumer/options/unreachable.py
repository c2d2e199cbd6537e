"""Says why a broker cannot be reached, in the same words for every broker.

Responsible for what sockets and TLS report. What a broker itself answers is explained where its
protocol is spoken.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN_MAX_COUNT: Final = 10
"""So many causes behind an error are looked at."""
_OTHER_NAME_CODES: Final = (62, 63, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH and _IP_ADDRESS_MISMATCH."""
_OUT_OF_TIME_CODES: Final = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and _CERT_HAS_EXPIRED."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of bytes that are no TLS."""
_WANTS_OURS: Final = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE")
"""What OpenSSL says if the server ends the handshake because of our certificate."""
_HANG_UPS: Final = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError)
"""What is raised if the other side closes the connection. asyncio's own is an EOFError."""
SPEAKS_TLS: Final = "does this port speak TLS?"


class Unreachable(NamedTuple):
    """Why there is no connection.

    Attributes:
        text: What happened, and what to do about it.
        refused: See `consumer.errors.Unavailable`.
    """

    text: str
    refused: bool


def why_unreachable(error: BaseException, broker: str, *, tls: bool) -> Unreachable | None:
    """Return why a broker cannot be reached. None if the error says nothing that is known.

    Args:
        error: What the library raised. The errors behind it count as well, because some libraries
            replace the error of the socket.
        broker: The name of the broker, for the text.
        tls: True if we began to speak TLS.
    """
    for cause in _chain(error):
        found = _why(cause, broker, tls=tls)
        if found is not None:
            return found
    return None


def hung_up(broker: str, *, tls: bool) -> str:
    """Return what to say of a broker that closed the connection without a word."""
    if tls:
        return f"{broker} hung up: is it starting, {SPEAKS_TLS[:-1]}, or is tls.cert_file missing?"
    return f"{broker} hung up: is it starting, or does this port want TLS?"


def no_answer(broker: str, *, tls: bool) -> str:
    """Return what to say of a broker that is silent."""
    doubt = SPEAKS_TLS if tls else "does this port want TLS?"
    return f"no answer in time: is {broker} frozen, is a firewall in the way, or {doubt}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(CHAIN_MAX_COUNT):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _why(cause: BaseException, broker: str, *, tls: bool) -> Unreachable | None:
    if isinstance(cause, ssl.SSLError):
        return _why_tls(cause)
    if isinstance(cause, ConnectionRefusedError):
        return Unreachable(f"connection refused: is {broker} running there?", refused=False)
    if isinstance(cause, socket.gaierror):
        # A name server may be away for a while, so this may end by itself.
        return Unreachable(f"the name of the host is not known: {cause.strerror}", refused=False)
    if isinstance(cause, _HANG_UPS):
        return Unreachable(hung_up(broker, tls=tls), refused=False)
    if isinstance(cause, (TimeoutError, asyncio.TimeoutError)):
        return Unreachable(no_answer(broker, tls=tls), refused=False)
    return None


def _why_tls(error: ssl.SSLError) -> Unreachable | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(f"{_mistrust(error)} ({error.verify_message})", refused=True)
    said = error.reason or str(error)
    if "UNEXPECTED_EOF" in said or isinstance(error, ssl.SSLEOFError):
        return None  # it hung up; the error behind it, or the library's own, says so
    if any(word in said for word in _NO_TLS):
        return Unreachable(f"TLS failed: {SPEAKS_TLS} ({said})", refused=True)
    if "UNKNOWN_CA" in said:
        return Unreachable(f"the server does not trust our tls.cert_file ({said})", refused=True)
    if any(word in said for word in _WANTS_OURS):
        text = f"TLS failed: does the server want our certificate in tls.cert_file? ({said})"
        return Unreachable(text, refused=True)
    return Unreachable(f"TLS failed: check tls and the port ({said})", refused=True)


def _mistrust(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _OTHER_NAME_CODES:
        return "the server's certificate is for another name: check the host, or its certificate"
    if error.verify_code in _OUT_OF_TIME_CODES:
        return "the server's certificate has expired, or is not valid yet"
    return "the server's certificate is not trusted: check tls.ca_file"
