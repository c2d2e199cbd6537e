"""Finds the event in a body: undoes the content encoding, and removes what libraries put around it.

Many libraries label or frame every message by themselves, and their users do not know it. Such a
message has only one meaning, so it is accepted, and what was done is an oddity of the event. A
listener with `validation = "strict"` refuses it. The cases were collected from public bug reports:

- Spring AMQP, kombu and rabbot write the charset into the content encoding, and Spring's compressor
  writes `gzip:UTF-8`. For a body of bytes, kombu writes `binary`:
  https://github.com/celery/kombu/blob/main/kombu/serialization.py.
- A proxy unpacks a body and leaves the label, or a sender compresses a body and forgets the label.
- .NET writes a byte order mark, and clients in C send the zero byte behind a text:
  https://github.com/influxdata/telegraf/issues/7536.
- Serializers of schema registries put an id before the JSON. Confluent's writes a zero byte and
  four bytes, Apicurio's a zero byte and eight bytes, and that of AWS Glue two bytes and a UUID:
  https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html,
  https://github.com/Apicurio/apicurio-registry, https://github.com/awslabs/aws-glue-schema-registry.
- Spring's and Workable's converters write a text as JSON, also if the text is JSON already. Then
  the event is inside quotes: https://github.com/Workable/rabbit-queue/issues/8.

Not responsible for the encodings themselves (`decompress.py`).
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.deliveries.decompress import NAMES, decompress
from consumer.errors import Misfit, Reason, Rejected
from consumer.events.hints import UNREADABLE
from consumer.events.refuse import SHOWN_CHARACTERS, missing, shown, unreadable
from consumer.events.steps import Oddity

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE: Final = "body"
LABEL: Final = "content-encoding"
LABEL_MAX_CHARACTERS: Final = 256
CHARSETS: Final = frozenset(("utf-8", "utf8", "us-ascii", "ascii", "binary", "8bit", "7bit"))
"""The charsets in which JSON may come, and MIME's names for bytes that are sent as they are. They
say nothing about compression."""
MAGIC: Final = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
"""The first bytes of compressed data. No JSON begins with them. Data of `deflate` has no such
mark."""
FRAMES: Final = ((b"\0", 5), (b"\0", 9), (b"\x03\0", 18))
"""What schema registries put before the JSON: the first bytes, and the number of all bytes."""
EXPECTED: Final = {
    "charset_as_encoding": "the name of a compression, or nothing",
    "encoding_list": "one name",
    "unlabelled_encoding": "the name of the compression",
    "not_encoded": "a compressed body, as it says",
    "schema_framing": "JSON without the bytes of a schema registry",
    "bom": "JSON without a byte order mark",
    "trailing_zeros": "JSON without zero bytes behind it",
    "json_in_text": "a JSON object, not a text with JSON in it",
}
"""What should be sent instead of each oddity, in words."""
SPACES: Final = b" \t\r\n"
"""What JSON takes for a space."""
_decode_text: Final = msgspec.json.Decoder(str).decode
_SEPARATOR: Final = re.compile("[,:;]")


def plain_body(
    body: bytes, encoding: str | None, limit_bytes: int, *, strict: bool
) -> tuple[bytes, list[Oddity]]:
    """Return the JSON of a body, and what was odd about the body.

    Args:
        body: The bytes as they arrived.
        encoding: The content encoding as the sender wrote it. None or an empty text means that the
            message names none.
        limit_bytes: The largest size of the decompressed body, in bytes; at least 1.
        strict: If true, an oddity is refused.

    Raises:
        Rejected: `unsupported_encoding` for an encoding that is not known, or for several;
            `malformed` for compressed data that is broken; `too_large` over the limit. With
            `strict`, an oddity of the label is `unsupported_encoding`, and an oddity of the body is
            `malformed`.
    """
    oddities: list[Oddity] = []
    coding = _coding(encoding, oddities) if encoding else ""
    if coding:
        body = _decompressed(body, coding, limit_bytes, oddities)
    else:
        for magic, name in MAGIC:
            if body.startswith(magic):
                oddities.append(Oddity("unlabelled_encoding", LABEL, name))
                body = decompress(body, name, limit_bytes)
                break
    body = _unframed(body, oddities)
    if strict and oddities:
        raise _refused(oddities[0])
    return body, oddities


class Unwrapper:
    """Takes the event out of one field of a body.

    Args:
        field: The field that holds the event: as an object, or as text with JSON in it.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        # A struct with this one field skips all others quickly, however many there are.
        struct = msgspec.defstruct(
            "Wrapped", [("inner", msgspec.Raw, msgspec.Raw())], rename={"inner": field}
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(struct).decode

    def take_out(self, body: bytes) -> bytes:
        """Return the event inside a body.

        Raises:
            Rejected: `malformed` if the body or the text is not JSON; `invalid` if the body has no
                such field, or if the field holds something else.
        """
        try:
            found = bytes(self._decode(body).inner).strip()
            inner = _decode_text(found).encode() if found.startswith(b'"') else found
        except UNREADABLE as error:
            raise unreadable(error, body) from error
        if not found:
            raise missing(self._field)
        inner = inner.removeprefix(BOM_UTF8).lstrip()
        if not inner.startswith(b"{"):
            expected = "object, or JSON in text"
            raise Rejected(Reason.INVALID, Misfit(self._field, expected, shown(found)))
        return inner


def _coding(label: str, oddities: list[Oddity]) -> str:
    """Return the one compression that a label names; empty if it names none.

    If the label names several, or a name that is not known, it is returned whole, and `decompress`
    refuses it.
    """
    if len(label) > LABEL_MAX_CHARACTERS:
        return label
    names = [name.strip() for name in _SEPARATOR.split(label.lower())]
    codings = [name for name in names if name not in CHARSETS and name not in ("", "identity")]
    if len(codings) > 1 or (codings and codings[0] not in NAMES):
        return label
    if any(name in CHARSETS for name in names):
        oddities.append(Oddity("charset_as_encoding", LABEL, label[:SHOWN_CHARACTERS]))
    elif len(names) > 1:
        oddities.append(Oddity("encoding_list", LABEL, label[:SHOWN_CHARACTERS]))
    return codings[0] if codings else ""


def _decompressed(body: bytes, coding: str, limit_bytes: int, oddities: list[Oddity]) -> bytes:
    """Undo a compression, unless the body is JSON already."""
    try:
        return decompress(body, coding, limit_bytes)
    except Rejected as rejected:
        if rejected.reason is not Reason.MALFORMED or not _begins_json(body):
            raise
    # Compressed data may begin with a brace too, so this is decided after the attempt.
    oddities.append(Oddity("not_encoded", LABEL, coding))
    return body


def _unframed(body: bytes, oddities: list[Oddity]) -> bytes:
    """Remove what stands around the JSON of a body, and note it."""
    for magic, size_bytes in FRAMES:
        if body.startswith(magic) and _begins_json(body[size_bytes:]):
            oddities.append(Oddity("schema_framing", PLACE, body[:size_bytes].hex(" ")))
            body = body[size_bytes:]
            break
    if body.startswith(BOM_UTF8):
        oddities.append(Oddity("bom", PLACE, BOM_UTF8.hex(" ")))
        body = body[len(BOM_UTF8) :]
    if body.endswith(b"\0"):
        stripped = body.rstrip(b"\0\r\n ")
        # UTF-16 ends with a zero byte too, and has others.
        if stripped.endswith((b"}", b'"')) and b"\0" not in stripped:
            oddities.append(Oddity("trailing_zeros", PLACE, "00"))
            body = stripped
    if body[:1] != b"{" and body.lstrip(SPACES).startswith(b'"'):
        return _out_of_text(body, oddities)
    return body


def _out_of_text(body: bytes, oddities: list[Oddity]) -> bytes:
    """Return the JSON object that a body holds as a text; the body itself if it holds none."""
    try:
        inner = _decode_text(body).encode()
    except UNREADABLE:
        return body
    if not _begins_json(inner):
        return body
    oddities.append(Oddity("json_in_text", PLACE, shown(body)))
    return inner.removeprefix(BOM_UTF8)


def _begins_json(body: bytes) -> bool:
    return body.removeprefix(BOM_UTF8).lstrip().startswith(b"{")


def _refused(odd: Oddity) -> Rejected:
    of_label = odd.name in ("charset_as_encoding", "encoding_list")
    reason = Reason.UNSUPPORTED_ENCODING if of_label else Reason.MALFORMED
    return Rejected(reason, Misfit(odd.field, EXPECTED[odd.name], ascii(odd.found)))
