"""The text of a key: what is made can be read, and everything else cannot."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, strategies as st

from consumer.access import token
from consumer.access.token import KeyText
from consumer.deliveries.origin import Environment

PARTS = KeyText(Environment.LIVE, "A" * 12, "s" * 32)
TEXT = "ck_live_AAAAAAAAAAAA_ssssssssssssssssssssssssssssssss0DM0kR"
"""As it was written when the form was new: keys live for years, so the form must not change."""
base62 = st.text(string.ascii_letters + string.digits, min_size=1)


def test_form_stays_as_it_is() -> None:
    """Another sum, or another order of digits, would refuse all keys that were given away."""
    assert token.write(PARTS) == TEXT
    assert token.read(TEXT) == PARTS


@given(
    st.sampled_from(Environment),
    st.from_regex(r"[0-9A-Za-z]{12}", fullmatch=True),
    st.from_regex(r"[0-9A-Za-z]{32}", fullmatch=True),
)
def test_what_is_written_can_be_read(environment: Environment, key_id: str, secret: str) -> None:
    """Whatever the id and the secret are."""
    parts = KeyText(environment, key_id, secret)
    text = token.write(parts)
    assert token.read(text) == parts
    assert re.fullmatch(r"ck_(live|test)_\w{12}_\w{38}", text)


@given(st.integers(0, len(TEXT) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_typing_error_is_noticed(at: int, typed: str) -> None:
    """One wrong character anywhere: CRC-32 finds each of them."""
    wrong = TEXT[:at] + typed + TEXT[at + 1 :]
    assert token.read(wrong) == (PARTS if wrong == TEXT else None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "0",
        TEXT + "\n",
        " " + TEXT,
        TEXT.replace("live", "prod"),
        TEXT.replace("live", "test"),
        TEXT.swapcase(),
        TEXT.replace("A", "Å"),
        TEXT.replace("_", "-"),
        TEXT[:-6] + "\u0660" * 6,
        "x" * 1_000_000,
    ],
    ids=range(12),
)
def test_other_text_is_no_key(text: str) -> None:
    """Also text that has the right length, and digits of other scripts."""
    assert token.read(text) is None


def test_ids_and_secrets_are_random() -> None:
    """No two are equal, and every character of the alphabet is drawn."""
    drawn = [token.new_secret() for _ in range(200)]
    assert len(set(drawn)) == len({token.new_id() for _ in range(200)}) == 200
    assert set("".join(drawn)) == set(token.ALPHABET) == set(string.ascii_letters + string.digits)
