"""Writes the file of `consumer wallet check`: `consumer wallet prepare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import tomli_w

from consumer.cli.input.target import target_in
from consumer.cli.ready.report import key_in
from consumer.errors import ConfigError
from consumer.tools.embedded.sample_config import write_private
from consumer.tools.readiness.client import BrandClient
from consumer.tools.wallet_check.prepare import Preparation, PreparationWish

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.cli.wallet.options import WalletPrepareOptions

KEY_LINES_COUNT: Final = 2


async def prepare(options: WalletPrepareOptions) -> int:
    """Prepare players and sessions, and write the file; returns the exit code.

    Raises:
        ConfigError: A file is wrong.
        NotPrepared: The wallet refuses what the check needs.
        Unavailable: The port does not answer.
        click.UsageError: The URL is none.
    """
    target = target_in(options.url)
    key_id, private_key = _pair_in(options.provider_key_file)
    wish = PreparationWish(
        provider=options.provider,
        key_id=key_id,
        private_key=private_key,
        currency=options.currency,
        other_currency=options.other_currency,
    )
    client = BrandClient(target, key_in(options.key_file))
    try:
        preparation = Preparation(client, target, wish)
        try:
            tables = await preparation.tables()
        finally:
            preparation.close()
    finally:
        client.close()
    write_private(options.output, tomli_w.dumps(tables))
    click.echo(f"wrote {options.output}; next: consumer wallet check {options.url} "
               f"--sessions {options.output}")  # fmt: skip
    return 0


def _pair_in(file: Path) -> tuple[str, str]:
    """Return the id and the private half of a key, as `wallet providers add` prints them.

    Raises:
        ConfigError: The file does not hold two lines.
    """
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if len(lines) != KEY_LINES_COUNT:
        raise ConfigError(
            f"{file}: expected the two lines that `consumer wallet providers add` prints: the id "
            "and the private key"
        )
    return lines[0], lines[1]
