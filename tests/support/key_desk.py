"""The endpoints of keys in a process of the tests, and an admin key that calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.api.key_endpoints import key_endpoints
from consumer.api.keys import KeyPages
from consumer.api.remembered import RememberedWrites
from consumer.clock import SYSTEM_CLOCK
from tests.support.http_application import application_of, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.support.watching_keys import Process


class Desk:
    """A process with the endpoints of keys.

    Attributes:
        process: The process.
        text: The text of the key that calls them.
    """

    def __init__(self, watching: Process, bucket_name: str) -> None:
        self.process = watching
        self.text = ""
        bucket = watching.bucket
        self._application = application_of(
            key_endpoints(
                KeyPages(bucket, bucket_name, watching.keyring, watching.gate.admit_again),
                RememberedWrites(lambda: bucket.client, bucket_name, 1, SYSTEM_CLOCK),
            ),
            watching.gate,
        )

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: AsyncIterator[bytes] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Send a request with the admin key, and with an `Idempotency-Key` if one is given."""
        headers = {"x-api-key": self.text, "x-request-id": "r"}
        if key is not None:
            headers["idempotency-key"] = key
        async with client_of(self._application) as client:
            return await client.request(method, path, headers=headers, json=body, content=content)
