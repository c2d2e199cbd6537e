"""Checks and writes the signatures of callbacks.

A signature covers the whole request: its time, its key, its method, its target and its raw body. So
nobody can send a part of a signed request as another request. The header is

    X-Signature: t=<seconds since 1970>,k=<key id>,v1=<base64 of the Ed25519 signature>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from consumer.errors import ConsumerError

TOLERANCE_S: Final = 300
"""A request whose time differs more than this from ours is refused."""
_is_header: Final = re.compile(
    r"t=([0-9]{1,12}),\s?k=([A-Za-z0-9_-]{1,64}),\s?v1=([A-Za-z0-9+/]{86}==)"
).fullmatch


class BadSignature(ConsumerError):
    """A request is not signed as it has to be. The text of the error says why."""


class Signature(msgspec.Struct, frozen=True):
    """What the header of a signed request holds.

    Attributes:
        time_s: When the request was signed, in seconds since 1970.
        key_id: The id of the key with which it was signed.
        proof: The 64 bytes of the signature.
    """

    time_s: int
    key_id: str
    proof: bytes


def read_signature(header: str | None, now_s: float) -> Signature:
    """Read the header of a request, and check its time.

    Raises:
        BadSignature: There is no header, it cannot be read, or the time is not ours.
    """
    if header is None:
        raise BadSignature("expected a header X-Signature")
    found = _is_header(header)
    if found is None:
        raise BadSignature("expected X-Signature: t=SECONDS,k=KEY,v1=BASE64 of 64 bytes")
    signature = Signature(int(found[1]), found[2], base64.b64decode(found[3]))
    if abs(signature.time_s - now_s) > TOLERANCE_S:
        raise BadSignature(
            f"t is {signature.time_s}, expected within {TOLERANCE_S} s of the server's clock, "
            f"which is at {int(now_s)}"
        )
    return signature


def signed_text(time_s: int, key_id: str, method: str, target: str, body: bytes) -> bytes:
    """Return what is signed.

    Args:
        time_s: The time of the signature, in seconds since 1970.
        key_id: The id of the key.
        method: The HTTP method, in upper case.
        target: The path with the query, as it is sent.
        body: The bytes of the body, as they are sent.
    """
    digest = hashlib.sha256(body).hexdigest()
    return f"v1\n{time_s}\n{key_id}\n{method}\n{target}\n{digest}".encode("latin-1")


def check_proof(public_key: bytes, signature: Signature, text: bytes) -> None:
    """Check that the owner of a public key has signed a text.

    Raises:
        BadSignature: Somebody else has, or another text was signed.
    """
    try:
        VerifyKey(public_key).verify(text, signature.proof)
    except BadSignatureError as error:
        raise BadSignature(
            "the signature is not one of this key over this request: see docs/wallet.md"
        ) from error


def read_public_key(text: str) -> bytes:
    """Read a public key from the base64 of its 32 bytes, or from a PEM file.

    Raises:
        ValueError: It is neither.
    """
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        raw = base64.b64decode("".join(lines), validate=True)
    except binascii.Error as error:
        raise ValueError("expected base64, or a PEM file") from error
    # In PEM, the key stands behind 12 bytes that name the algorithm: RFC 8410, section 10.1.
    if len(raw) == len(PEM_BEGINNING) + KEY_BYTES and raw.startswith(PEM_BEGINNING):
        raw = raw[len(PEM_BEGINNING) :]
    if len(raw) != KEY_BYTES:
        raise ValueError(f"expected a public Ed25519 key of {KEY_BYTES} bytes, got {len(raw)}")
    return raw


KEY_BYTES: Final = 32
PEM_BEGINNING: Final = bytes.fromhex("302a300506032b6570032100")
