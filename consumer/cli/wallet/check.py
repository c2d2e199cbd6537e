"""Tests anybody's wallet, and prints how each case ended: `consumer wallet check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.input.target import target_in
from consumer.cli.terminal.safe_text import printable
from consumer.tools.sample.http_connection import ANSWER_TIMEOUT_S
from consumer.tools.wallet_check.case import CaseOutcome
from consumer.tools.wallet_check.run import WalletCheck
from consumer.tools.wallet_check.settings import load_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.cli.wallet.options import WalletCheckOptions
    from consumer.tools.wallet_check.case import CaseResult

SHOWN: Final = {
    CaseOutcome.OK: ("ok", "green"),
    CaseOutcome.FAILED: ("FAILED", "red"),
    CaseOutcome.SKIPPED: ("skipped", "yellow"),
}
"""The word and the colour of each outcome."""
WORD_COLUMNS: Final = 7
NAME_COLUMNS: Final = 29


async def check(options: WalletCheckOptions) -> int:
    """Run all cases; returns the exit code.

    Raises:
        ConfigError: The file is wrong, or the usual player has not enough money.
        Unavailable: The wallet cannot be reached.
        click.UsageError: The URL is none, or the time for an answer is too long.
    """
    if options.answer_s > ANSWER_TIMEOUT_S:
        expected = f"expected at most {ANSWER_TIMEOUT_S:g}s"
        raise click.BadParameter(expected, param_hint="'--timeout'")
    target = target_in(options.url)
    running = WalletCheck(target, load_check(options.sessions_file), options.answer_s)
    await running.reach()
    results = []
    async for result in running.results():
        results.append(result)
        if options.form == "json":
            click.echo(msgspec.json.encode(result))
        else:
            _print(result)
    if options.form == "table":
        click.echo(_sum(results))
    return 1 if any(result.outcome is CaseOutcome.FAILED for result in results) else 0


def _print(result: CaseResult) -> None:
    """Print a case: a line, and two more if it failed."""
    word, colour = SHOWN[result.outcome]
    styled = click.style(f"{word:<{WORD_COLUMNS}}", fg=colour)
    told = result.why or result.rule
    click.echo(f"{styled}  {result.case:<{NAME_COLUMNS}}  {printable(told)}")
    if result.outcome is CaseOutcome.FAILED:
        for name, text in (("expected", result.expected), ("found", result.found)):
            click.echo(f"{'':{WORD_COLUMNS}}  {name:<8}  {printable(text)}")


def _sum(results: Sequence[CaseResult]) -> str:
    """Count the cases, and name those that did not pass."""
    parts = [f"{len(results)} cases"]
    for outcome in CaseOutcome:
        names = [result.case for result in results if result.outcome is outcome]
        named = f" ({', '.join(names)})" if names and outcome is not CaseOutcome.OK else ""
        if names:
            parts.append(f"{len(names)} {outcome}{named}")
    return f"{parts[0]}: {', '.join(parts[1:])}"
