"""The public port leaves open files for the rest of the process."""

from __future__ import annotations

import resource

import pytest

from consumer.http.open_files import KEPT_COUNT, connections_allowed


class Limits:
    """The limits of a process: no test changes its own."""

    def __init__(self) -> None:
        self.now = (1024, 4096)

    def get(self, _: int) -> tuple[int, int]:
        """Return the soft limit and the hard limit."""
        return self.now

    def set(self, _: int, limits: tuple[int, int]) -> None:
        """Change the limits as the system allows it."""
        assert limits[1] == self.now[1]
        assert self.now[1] == resource.RLIM_INFINITY or limits[0] <= self.now[1]
        self.now = limits


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Stand in for the system."""
    made = Limits()
    monkeypatch.setattr(resource, "getrlimit", made.get)
    monkeypatch.setattr(resource, "setrlimit", made.set)
    return made


@pytest.mark.parametrize(
    ("before", "after", "allowed_count"),
    [
        ((1024, 4096), (2000 + KEPT_COUNT, 4096), 2000),
        ((1024, 1024), (1024, 1024), 1024 - KEPT_COUNT),
        ((1024, resource.RLIM_INFINITY), (2000 + KEPT_COUNT, resource.RLIM_INFINITY), 2000),
        ((20_000, 20_000), (20_000, 20_000), 2000),
        ((resource.RLIM_INFINITY,) * 2, (resource.RLIM_INFINITY,) * 2, 2000),
        ((64, 64), (64, 64), 1),
    ],
)
def test_files_are_kept_for_the_rest_of_the_process(
    limits: Limits, before: tuple[int, int], after: tuple[int, int], allowed_count: int
) -> None:
    """Otherwise clients of the port could cut off the operations port and the brokers."""
    limits.now = before
    assert connections_allowed(2000) == allowed_count
    assert limits.now == after
