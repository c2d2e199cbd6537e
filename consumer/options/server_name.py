"""Makes a TLS context expect a name of our choice, for libraries that have no option for it.

aiokafka and redis-py expect the host of the address in the server's certificate. The library gives
this name to the context at each handshake, so the context is the place to replace it.
"""

from __future__ import annotations

import ssl
from typing import cast


class ExpectingContext(ssl.SSLContext):
    """A context that expects `server_name` in a certificate, whatever name it is asked for.

    Attributes:
        server_name: The name. It is also what is asked for (SNI).
    """

    server_name: str

    def wrap_bio(  # type: ignore[override]  # asyncio and uvloop name all but the first two
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        *,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See `ssl.SSLContext.wrap_bio`. Asyncio and uvloop call it for each connection."""
        del server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name, session)


def expecting(context: ssl.SSLContext, server_name: str | None) -> ssl.SSLContext:
    """Make a context expect a name, and return it.

    Args:
        context: The context. It is changed.
        server_name: The name to expect. None leaves the context as it is.
    """
    if server_name is None:
        return context
    # `ssl.create_default_context` makes contexts of its own class only. Its settings differ with
    # the version of Python, so they are not repeated here: the class of its context is changed.
    context.__class__ = ExpectingContext
    named = cast("ExpectingContext", context)
    named.server_name = server_name
    return named
