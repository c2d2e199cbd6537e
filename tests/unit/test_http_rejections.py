"""The share of broken events of each key, within the last 60 s."""

from __future__ import annotations

from consumer.listeners.http.rejections import WINDOW_S, Rejections


def counted(*seconds: tuple[float, int, int]) -> Rejections:
    """Return what was counted of the key `a`: the time, all events, the rejected events."""
    rejections = Rejections()
    for now_s, events_count, rejected_count in seconds:
        rejections.count("a", now_s, events_count, rejected_count)
    return rejections


def test_key_with_few_events_may_post() -> None:
    """A newcomer's first mistakes stop nobody."""
    assert counted((0, 99, 99)).wait_s("a", 0) is None


def test_half_is_still_allowed() -> None:
    """More than half is not."""
    assert counted((0, 100, 50)).wait_s("a", 0) is None
    assert counted((0, 100, 51)).wait_s("a", 0) is not None


def test_other_keys_notice_nothing() -> None:
    """Each key has its own window."""
    assert counted((0, 1000, 1000)).wait_s("b", 0) is None


def test_key_waits_until_the_share_has_fallen() -> None:
    """And it is told how long."""
    rejections = counted((10, 200, 200))
    assert rejections.wait_s("a", 12) == WINDOW_S - 2
    assert rejections.wait_s("a", 10 + WINDOW_S) is None


def test_window_slides() -> None:
    """The old seconds leave it, the new seconds stay."""
    rejections = counted((0, 90, 90), (30, 20, 0))
    assert rejections.wait_s("a", 31) is not None
    assert rejections.wait_s("a", WINDOW_S + 1) is None


def test_quiet_keys_are_forgotten() -> None:
    """Memory does not grow with the number of keys that were ever used."""
    rejections = counted((0, 1, 0))
    assert rejections.wait_s("a", WINDOW_S + 1) is None
    assert rejections._windows == {}  # noqa: SLF001  # memory shows nowhere else
