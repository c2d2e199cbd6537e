"""What libraries put around an event by themselves does not cost the event."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
import zstandard

from consumer.errors import Reason, Rejected
from consumer.events.registry import find
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.pipeline.plain_body import plain_body
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Severity, Validator
from tests.support.corpus import BROKEN
from tests.support.fates import reason, sent
from tests.support.samples import casino

LIMIT = 1_000_000
BODY = casino()
BOM = b"\xef\xbb\xbf"
FRAME = b"\0\0\0\0\x0c"
GLUE = b"\x03\0" + bytes(range(16))
APICURIO = bytes(8) + b"\x0f"
TEXT = json.dumps(BODY.decode()).encode()
CHARSETS = (
    *("utf-8", "UTF-8", "utf8", "UTF8", "us-ascii", "US-ASCII", "ascii", " utf-8 "),
    *("binary", "8bit", "7BIT"),
)
PACKED = {
    "gzip": gzip.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "deflate": zlib.compress(BODY),
}
AROUND = [
    *((charset, BODY, ["charset_as_encoding"]) for charset in CHARSETS),
    ("gzip:UTF-8", PACKED["gzip"], ["charset_as_encoding"]),
    ("gzip; utf-8", PACKED["gzip"], ["charset_as_encoding"]),
    ("deflate:us-ascii", PACKED["deflate"], ["charset_as_encoding"]),
    ("gzip,identity", PACKED["gzip"], ["encoding_list"]),
    ("identity, zstd", PACKED["zstd"], ["encoding_list"]),
    ("identity", PACKED["gzip"], ["unlabelled_encoding"]),
    ("utf-8", PACKED["gzip"], ["charset_as_encoding", "unlabelled_encoding"]),
    (None, PACKED["gzip"], ["unlabelled_encoding"]),
    ("", PACKED["zstd"], ["unlabelled_encoding"]),
    *((name, BODY, ["not_encoded"]) for name in PACKED),
    ("gzip", b" \r\n" + BODY, ["not_encoded"]),
    ("gzip", BOM + BODY, ["not_encoded", "bom"]),
    (None, BOM + BODY, ["bom"]),
    ("gzip", gzip.compress(BOM + BODY), ["bom"]),
    (None, FRAME + BODY, ["schema_framing"]),
    (None, FRAME + BOM + BODY, ["schema_framing", "bom"]),
    ("zstd", zstandard.compress(FRAME + BODY), ["schema_framing"]),
    (None, GLUE + BODY, ["schema_framing"]),
    (None, APICURIO + BOM + BODY, ["schema_framing", "bom"]),
    (None, TEXT, ["json_in_text"]),
    (None, BODY + b"\0", ["trailing_zeros"]),
    (None, BODY + b"\n\0", ["trailing_zeros"]),
    (None, BODY + b"\0\r\n\0", ["trailing_zeros"]),
    (None, BODY + bytes(999), ["trailing_zeros"]),
    (None, TEXT + b"\n\0", ["trailing_zeros", "json_in_text"]),
    (None, b" \r\n" + TEXT + b"\n", ["json_in_text"]),
    (None, TEXT.replace(b'"', b'"\xef\xbb\xbf', 1), ["json_in_text"]),
    (None, TEXT.replace(b'"', rb'"\ufeff', 1), ["json_in_text"]),
    (None, BOM + TEXT + b"\0\0", ["bom", "trailing_zeros", "json_in_text"]),
    ("gzip", gzip.compress(BODY + b"\0"), ["trailing_zeros"]),
    (None, BOM + TEXT, ["bom", "json_in_text"]),
    ("gzip", gzip.compress(TEXT), ["json_in_text"]),
]


@pytest.mark.parametrize(("label", "body", "oddities"), AROUND)
def test_event_passes_and_what_was_odd_is_counted(
    label: str | None, body: bytes, oddities: list[str]
) -> None:
    """As in a lane: the same event as without all that."""
    work = Work(sent(body, "CASINO", content_encoding=label))
    plain = Work(sent(BODY, "CASINO"))
    Decoder().decode(Batch([work, plain], 0.0, 0.0))
    assert work.event is not None
    assert plain.event is not None
    assert (work.event.identity, work.event.body) == (plain.event.identity, plain.event.body)
    assert [odd.name for odd in work.event.oddities] == oddities
    assert plain.event.oddities == ()


@pytest.mark.parametrize(("label", "body", "oddities"), AROUND)
def test_strict_listener_refuses_it(label: str | None, body: bytes, oddities: list[str]) -> None:
    """And says what it wants instead."""
    with pytest.raises(Rejected, match=r"expected .*, got ") as error:
        plain_body(body, label, LIMIT, strict=True)
    of_label = oddities[0] in ("charset_as_encoding", "encoding_list")
    assert error.value.reason is (Reason.UNSUPPORTED_ENCODING if of_label else Reason.MALFORMED)


@pytest.mark.parametrize("label", [None, "", "identity", " Identity "])
def test_plain_body_is_not_touched(label: str | None) -> None:
    """Nor is it odd."""
    body, oddities = plain_body(BODY, label, 1, strict=True)
    assert body is BODY
    assert oddities == []


@pytest.mark.parametrize("name", PACKED)
def test_compressed_body_is_not_odd(name: str) -> None:
    """If the label is right."""
    assert plain_body(PACKED[name], f" {name.upper()} ", LIMIT, strict=True) == (BODY, [])


@pytest.mark.parametrize(
    "label",
    [
        "br",
        "iso-8859-1",
        "utf-16",
        "gzip:latin1",
        "gzip,gzip",
        "gzip, deflate",
        "x" * 999,
        "," * 999,
    ],
)
def test_other_labels_are_refused_by_name(label: str) -> None:
    """Two compressions, or a charset that JSON cannot have."""
    with pytest.raises(Rejected) as error:
        plain_body(BODY, label, LIMIT, strict=False)
    assert error.value.reason is Reason.UNSUPPORTED_ENCODING
    assert label[:60] in error.value.detail


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (gzip.compress(bytes(2 * LIMIT)), Reason.TOO_LARGE),
        (zstandard.compress(bytes(2 * LIMIT)), Reason.TOO_LARGE),
        (PACKED["gzip"][:-9], Reason.MALFORMED),
    ],
)
def test_body_without_a_label_has_the_same_limits(body: bytes, why: Reason) -> None:
    """A bomb needs no label."""
    with pytest.raises(Rejected) as error:
        plain_body(body, None, LIMIT, strict=False)
    assert error.value.reason is why


@pytest.mark.parametrize(
    "body",
    [
        b"\0",
        FRAME,
        FRAME + b"[]",
        b"\0{}",
        GLUE,
        APICURIO,
        BOM,
        b'"',
        b'"[]"',
        b'"{',
        b"\x1f",
        b"\x28\xb5",
    ],
)
def test_what_is_not_json_stays_as_it_is(body: bytes) -> None:
    """The normaliser says what is wrong with it."""
    left, _ = plain_body(body, None, LIMIT, strict=False)
    assert body.endswith(left)
    work = Work(sent(body, "CASINO"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert work.event is None


@pytest.mark.parametrize("name", BROKEN)
def test_broken_event_is_refused_for_the_same_reason_behind_a_mark(name: str) -> None:
    """A byte order mark mends nothing."""
    message_type, body, why = BROKEN[name]
    work = Work(sent(BOM + body, message_type))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert reason(work) == why


@pytest.mark.parametrize(
    ("body", "oddity"),
    [
        (BOM + BODY, "bom"),
        (FRAME + BODY, "schema_framing"),
        (TEXT, "json_in_text"),
        (BODY + b"\0", "trailing_zeros"),
        (PACKED["gzip"], "unlabelled_encoding"),
    ],
)
def test_validate_warns(body: bytes, oddity: str) -> None:
    """Or, where it is strict, calls it an error."""
    event_type = find("CASINO")
    assert event_type is not None
    record = Record(1, 1, body, len(body))
    [warning] = Validator(event_type).look(record)
    assert (warning.severity, warning.reason) == (Severity.WARNING, oddity)
    [error] = Validator(event_type, strict=True).look(record)
    assert (error.severity, error.reason) == (Severity.ERROR, "malformed")
