"""Reads the address of an operations port, as a person writes it."""

from __future__ import annotations

from urllib.parse import urlsplit


def base_url(text: str) -> str:
    """Return the URL of an operations port from what a person writes.

    Raises:
        ValueError: The text is not the address of an operations port.
    """
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return url.rstrip("/")
