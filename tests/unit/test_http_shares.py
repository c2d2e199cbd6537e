"""The shares of a limited amount: nobody can keep the others out."""

from __future__ import annotations

from consumer.http.shares import Shares


def test_holder_alone_gets_half() -> None:
    """The other half stays for those who come later."""
    shares = Shares(100)
    while shares.has_room("a", 1):
        shares.take("a", 1)
    assert shares.held_count == 50


def test_newcomer_always_finds_room() -> None:
    """However many holders there are already."""
    shares = Shares(1000)
    for number in range(9):
        while shares.has_room(str(number), 1):
            shares.take(str(number), 1)
        assert shares.has_room("newcomer", 1)


def test_first_amount_may_be_larger_than_the_rest() -> None:
    """An amount above the limit could never be had otherwise."""
    shares = Shares(10)
    assert shares.has_room("a", 1000)
    shares.take("a", 1000)
    assert not shares.has_room("b", 1)


def test_what_is_given_back_is_free_again() -> None:
    """And nothing remains of a holder who has nothing."""
    shares = Shares(10)
    for count in (3, 0, 2):
        shares.take("a", count)
    for count in (2, 0, 3):
        shares.give_back("a", count)
    assert shares.held_count == 0
    assert shares.has_room("a", 10)
