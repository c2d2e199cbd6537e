"""A provider of games: signs callbacks, and sends them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from nacl.signing import SigningKey

from consumer.clock import SYSTEM_CLOCK
from consumer.ledger.shown import ProviderKey
from consumer.wallet.signature import signed_text

if TYPE_CHECKING:
    import httpx


class Provider:
    """A provider with a key of its own.

    Args:
        brand, name: for whose players, and its name.
    """

    def __init__(self, brand: str = "b", name: str = "acme", key_id: str = "k1") -> None:
        self.signing = SigningKey.generate()
        self.key = ProviderKey(
            id=key_id,
            brand=brand,
            provider=name,
            public_key=bytes(self.signing.verify_key),
            created_s=SYSTEM_CLOCK.now_s() - 1,
        )

    def header(self, target: str, body: bytes, *, time_s: int | None = None) -> str:
        """Return the signature of a request."""
        at_s = int(SYSTEM_CLOCK.now_s()) if time_s is None else time_s
        text = signed_text(at_s, self.key.id, "POST", target, body)
        proof = base64.b64encode(self.signing.sign(text).signature).decode()
        return f"t={at_s},k={self.key.id},v1={proof}"

    async def call(
        self, client: httpx.AsyncClient, verb: str, body: dict[str, Any] | bytes
    ) -> httpx.Response:
        """Send a signed callback."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        target = f"/v1/wallet/{verb}"
        headers = {"content-type": "application/json", "x-signature": self.header(target, raw)}
        return await client.post(target, content=raw, headers=headers)
