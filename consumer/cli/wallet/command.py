"""Declares the verbs of `consumer wallet`: their options and their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from consumer.cli.declare import config_option, form_option, takes, with_lists
from consumer.cli.input.parameters import DurationParameter
from consumer.cli.lazy import LazyCall
from consumer.cli.wallet.options import (
    ProviderAddOptions,
    ProviderListOptions,
    ProviderRevokeOptions,
    ProviderRotateOptions,
    VerifyOptions,
    WalletCheckOptions,
    WalletPrepareOptions,
)
from consumer.deliveries.origin import Environment

_add: Final = LazyCall("consumer.cli.wallet.providers:add", ProviderAddOptions)
_list: Final = LazyCall("consumer.cli.wallet.providers:list_keys", ProviderListOptions)
_rotate: Final = LazyCall("consumer.cli.wallet.providers:rotate", ProviderRotateOptions)
_revoke: Final = LazyCall("consumer.cli.wallet.providers:revoke", ProviderRevokeOptions)
_verify: Final = LazyCall("consumer.cli.wallet.verify:verify", VerifyOptions)
_prepare: Final = LazyCall("consumer.cli.wallet.prepare:prepare", WalletPrepareOptions)
_check: Final = LazyCall("consumer.cli.wallet.check:check", WalletCheckOptions)

_environment: Final = click.option(
    "--environment",
    type=click.Choice([environment.value for environment in Environment]),
    default=Environment.LIVE.value,
    show_default=True,
    help="Which ledger: live money or test money.",
)
_public_key: Final = click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file with the public Ed25519 key: PEM, or base64 of its 32 bytes. Without it, a pair "
    "is made, and its private half is printed once, on the second line, as base64.",
)
_key_id: Final = click.argument("key_id", metavar="ID")


@click.group()
@with_lists
def wallet() -> None:
    """Manage the wallet: the keys of game providers, the books, and a test from outside.

    The keys and the money are in the database of [wallet].

    Examples:
      consumer wallet providers add acme --brand brand-a --public-key acme.pem
      consumer wallet providers list
      consumer wallet verify
      consumer wallet check https://wallet.example --sessions sessions.toml
    """


@wallet.group()
@with_lists
def providers() -> None:
    """Add, list, rotate and revoke the public keys of providers."""


@providers.command()
@config_option
@_environment
@click.option(
    "--brand",
    metavar="NAME",
    required=True,
    help="The brand with whose players the provider plays.",
)
@_public_key
@click.argument("provider")
@takes(ProviderAddOptions)
def add(options: ProviderAddOptions) -> None:
    """Add a key of a provider, and print the key's id.

    A provider has at most two keys in force for each brand.
    """
    _add(options)


@providers.command(name="list")
@config_option
@_environment
@form_option("table", help_text="A table, or a line of JSON for each key. [default: by the output]")
@takes(ProviderListOptions)
def list_keys(options: ProviderListOptions) -> None:
    """List all keys, the oldest first."""
    _list(options)


@providers.command()
@config_option
@_environment
@_public_key
@click.option(
    "--overlap",
    "overlap_s",
    type=DurationParameter(),
    default="24h",
    show_default=True,
    help="How long both keys are in force.",
)
@_key_id
@takes(ProviderRotateOptions)
def rotate(options: ProviderRotateOptions) -> None:
    """Add another key of the same provider, and let this one end after the overlap."""
    _rotate(options)


@providers.command()
@config_option
@_environment
@_key_id
@takes(ProviderRevokeOptions)
def revoke(options: ProviderRevokeOptions) -> None:
    """Refuse a key from now on, in every process within a second."""
    _revoke(options)


@wallet.command()
@config_option
@_environment
@click.option(
    "--from-start",
    is_flag=True,
    help="Look at everything again. Only this finds what was changed by hand in old transactions.",
)
@takes(VerifyOptions)
def verify(options: VerifyOptions) -> None:
    """Recompute balances, sums and sequences, and say where they do not fit.

    It begins where the last check ended, whether this verb or `consumer run` made that check. It
    may run at any time.

    Exit codes:
      0  the books fit
      1  the books do not fit, or the database is away
    """
    _verify(options)


@wallet.command()
@click.argument("url", metavar="URL")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="The file with an access key of the brand, with the scope wallet:operator.",
)
@click.option(
    "--provider", metavar="NAME", required=True, help="The provider whose calls are tested."
)
@click.option(
    "--provider-key",
    "provider_key_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="The file with what `consumer wallet providers add` printed: the id and the private key.",
)
@click.option("--currency", default="EUR", show_default=True, help="The currency of the players.")
@click.option("--other-currency", default="", help="A second currency of the brand, if it has one.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("sessions.toml"),
    show_default=True,
    help="The file that is written. Only its owner may read it.",
)
@takes(WalletPrepareOptions)
def prepare(options: WalletPrepareOptions) -> None:
    """Make players and sessions on a wallet of this program, and write the file of `wallet check`.

    The players are new each time, and get play money. Use it with a test key, and with a key of
    the provider that was added with `--environment test`. docs/sandbox.md has an example.
    """
    _prepare(options)


@wallet.command()
@click.argument("url", metavar="URL")
@click.option(
    "--sessions",
    "sessions_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The TOML file with the key of a provider and prepared sessions: see docs/wallet.md.",
)
@click.option(
    "--timeout",
    "answer_s",
    type=DurationParameter(),
    default="3s",
    show_default=True,
    help="How long an answer may take. A provider waits 3 s.",
)
@form_option(
    "table", default="table", help_text="Print a line for each case, or a line of JSON for it."
)
@takes(WalletCheckOptions)
def check(options: WalletCheckOptions) -> None:
    """Test whether the wallet at URL keeps the contract with providers of games.

    The wallet may be anybody's, if it takes the calls of docs/wallet.md. The calls are signed and
    sent as a provider does it, and also signed wrongly, sent twice, and sent at the same moment.
    Each case compares the answers and the balances with the contract.

    Use it with players and a key that are made for it, never with those of real games. At the end
    each player has the same total as before. Only a frozen player and the player of
    [converted_bonus] keep the smallest amount.

    Exit codes:
      0  every case passed, or was skipped because the file lacks what it needs
      1  a case failed, or the wallet cannot be reached
      2  the file or an option is wrong

    Examples:
      consumer wallet check https://wallet.example --sessions sessions.toml
      consumer wallet check http://127.0.0.1:8000 --sessions sessions.toml --format json
    """
    _check(options)
