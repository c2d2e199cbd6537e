"""Defines what a case is, and how it ends."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from consumer.tools.wallet_check.play import Play


class CaseOutcome(StrEnum):
    """How a case ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Case(msgspec.Struct, frozen=True):
    """A test of one rule.

    Attributes:
        name: Its name, which never changes, such as `bet.replayed`.
        rule: What the contract says, in a sentence.
        test: Plays it. It raises `CaseFailed` or `CaseSkipped`, and nothing else.
    """

    name: str
    rule: str
    test: Callable[[Play], Awaitable[None]]


class CaseResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a case ended, as the report has it.

    Attributes:
        case: The case's name.
        rule: See `Case`.
        outcome: How it ended.
        expected: What the contract says. Empty unless it failed.
        found: What the wallet did. Empty unless it failed.
        why: Why it was skipped. Empty unless it was skipped.
    """

    case: str
    rule: str
    outcome: CaseOutcome
    expected: str = ""
    found: str = ""
    why: str = ""


def cases(subject: str, *tests: Callable[[Play], Awaitable[None]]) -> tuple[Case, ...]:
    """Make cases of functions: the name from the function's name, the rule from its docstring."""
    return tuple(
        Case(
            f"{subject}.{test.__name__}",
            (inspect.getdoc(test) or "").partition("\n\n")[0].replace("\n", " "),
            test,
        )
        for test in tests
    )
