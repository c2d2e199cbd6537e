"""Times: lenient in, strict out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.events.timestamp import from_epoch_s, parse
from tests.support.vendor import LOTTERY_V2


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("2015-03-02T8:27:58.10Z", "2015-03-02T08:27:58.100000Z"),
        ("2015-03-02T8:27:58.721607Z", "2015-03-02T08:27:58.721607Z"),
        ("2015-03-02T8:27:58.721607+06:00", "2015-03-02T02:27:58.721607Z"),
        ("2018-02-18 18:13:06", "2018-02-18T18:13:06.000000Z"),
        ("2019-07-16T12:00:00Z", "2019-07-16T12:00:00.000000Z"),
        ("2019-02-18T10:35:03-08:00", "2019-02-18T18:35:03.000000Z"),
        ("2015-03-02T08:27:58,1Z", "2015-03-02T08:27:58.100000Z"),
        ("2015-03-02t08:27:58z", "2015-03-02T08:27:58.000000Z"),
        ("2015-03-02T08:27:58.123456789Z", "2015-03-02T08:27:58.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.500000Z"),
    ],
)
def test_what_real_senders_send_is_read(sent: str, text: str) -> None:
    """Each form that the vendor's pages show, and what RFC 3339 allows besides."""
    assert parse(sent).text == text


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "2015-03",
        "20150302",
        "2015-03-02",
        "2015-03-02T8:27.72Z",
        "2015-02-30T10:00:00Z",
        "2015-03-02T24:00:00Z",
        "2015-03-02T10:00:60Z",
        "2015-03-02T10:00:00+24:00",
        "2015-03-02T10:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2015-03-02T10:00:00.1234567890Z",
        "2015-03-02T10:00:00Z\n",
        "٢٠١٥-03-02T10:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(sent: str) -> None:
    """With ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse(sent)


def test_nine_digits_survive_in_the_exact_form() -> None:
    """Six digits in the envelope, all of them in the data."""
    assert parse("2015-03-02T08:27:58.123456789Z").exact == "2015-03-02T08:27:58.123456789Z"


def test_missing_zone_is_utc_and_told() -> None:
    """So that it can be counted."""
    assert parse("2018-02-18 18:13:06").assumed_utc
    assert not parse("2018-02-18 18:13:06Z").assumed_utc


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001  # the zone is drawn beside
    st.integers(-23 * 60, 23 * 60),
)
def test_any_time_keeps_its_meaning(moment: datetime, offset_min: int) -> None:
    """Against datetime, in any zone."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    read = parse(aware.isoformat())
    assert datetime.fromisoformat(read.text) == aware
    assert read.epoch_s == pytest.approx(aware.timestamp(), abs=1e-5)


def test_epoch_seconds_are_written_strictly() -> None:
    """For events without a time of their own."""
    assert from_epoch_s(0.5) == "1970-01-01T00:00:00.500000Z"
    assert datetime.fromisoformat(from_epoch_s(1e9)) == datetime.fromtimestamp(1e9, UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-03T04:05:06.123+0000", "2026-02-03T04:05:06.123000Z"),
        ("2026-02-03T04:05:06-0530", "2026-02-03T09:35:06.000000Z"),
        ("2026-02-03 04:05:06.5+00", "2026-02-03T04:05:06.500000Z"),
        ("2026-02-03 04:05:06-03", "2026-02-03T07:05:06.000000Z"),
        ("2026-02-03T04:05Z", "2026-02-03T04:05:00.000000Z"),
        ("2026-02-03T4:05", "2026-02-03T04:05:00.000000Z"),
        ("2026-02-03T04:05+01:00", "2026-02-03T03:05:00.000000Z"),
        ("2026-02-03T04:05:06+01:00[Europe/Malta]", "2026-02-03T03:05:06.000000Z"),
        ("2026-02-03T04:05Z[UTC]", "2026-02-03T04:05:00.000000Z"),
        ("2026-02-03T04:05:06Z[Etc/GMT+5]", "2026-02-03T04:05:06.000000Z"),
        ("2026-02-03 04:05:06 UTC", "2026-02-03T04:05:06.000000Z"),
        ("2026-02-03 04:05:06 +0100", "2026-02-03T03:05:06.000000Z"),
        ("2026-02-03 04:05:06.1234567 +01:00", "2026-02-03T03:05:06.123456Z"),
        ("2026-02-03 4:05:06.0 +01:00:00", "2026-02-03T03:05:06.000000Z"),
        ("2026-02-03 04:05:06 +0100 CET", "2026-02-03T03:05:06.000000Z"),
        ("2026-02-03 04:05:06.7 -0300 -03", "2026-02-03T07:05:06.700000Z"),
        ("2026-02-03 04:05:06 +0545 +0545", "2026-02-02T22:20:06.000000Z"),
        ("2026-02-03T04:05:06 Z", "2026-02-03T04:05:06.000000Z"),
        ("2026-02-03T04:05:06GMT", "2026-02-03T04:05:06.000000Z"),
        ("/Date(1770091506848)/", "2026-02-03T04:05:06.848000Z"),
        ("/Date(1770091506000+0530)/", "2026-02-03T04:05:06.000000Z"),
        ("/Date(-1)/", "1969-12-31T23:59:59.999000Z"),
    ],
)
def test_forms_that_libraries_write_by_themselves(text: str, moment: str) -> None:
    """Jackson, PostgreSQL, java.time, RFC 9557, Ruby, SQL Server, Rust and Go.

    They are counted, and refused by strict listeners.
    """
    instant = parse(text)
    assert (instant.text, instant.unusual) == (moment, True)
    with pytest.raises(ValueError, match="not a time"):
        parse(text, strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03T04:05:06[Europe/Malta]",
        "2026-02-03T04Z",
        "2026-02-03T04:05.5Z",
        "2026-02-03T04:05:06+1",
        "2026-02-03T04:05:06+010",
        "2026-02-03T04:05:06+01:0",
        "2026-02-03T04:05:06Z[]",
        "2026-02-03T04:05:06Z[Europe/Malta",
        "2026-02-03T04:05:06Z[" + "x" * 65 + "]",
        "2026-02-03T04:05:06+00:00:01",
        "2026-02-03T04:05:06+00:00[UTC] UTC",
        "2026-02-03T04:05:06Z:00",
        "2026-02-03T04:05:06  Z",
        "2026-02-03T04:05:06 CET",
        "2026-02-03 04:05:06 -0300 -04",
        "2026-02-03 04:05:06 -0300 +03",
        "/Date(17700915068480)/",
        "/Date(1770091506848)",
        "Date(1770091506848)",
        "/Date(1770091506.5)/",
        "2026-02-03T04:05:06Z UTC",
        "2026-02-03T04:05:06 01:00",
        "2026-02-03T04:05:06+0060",
        "2026-02-03T24:00:00Z",
    ],
)
def test_what_only_looks_like_such_a_form_is_refused(text: str) -> None:
    """A zone's name alone does not say which of two times is meant when the clocks go back."""
    with pytest.raises(ValueError, match="not a time"):
        parse(text)


def test_only_the_events_own_time_has_to_be_set() -> None:
    """A draw or a match may have any date; a strict listener takes what the schema takes."""
    event_type = find("LOTTERY_V2")
    assert event_type is not None
    body = json.dumps(LOTTERY_V2.body | {"draw_date": "1969-07-20T20:17:40Z"}).encode()
    for strict in (False, True):
        assert b'"1969-07-20T20:17:40.000000Z"' in (
            Normaliser(event_type, "b", strict=strict).normalise(body, 0.0).body
        )
