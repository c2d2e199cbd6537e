"""Declares the verbs of `consumer keys`: their options and their help texts."""

from __future__ import annotations

from typing import Final

import click

from consumer.access.key import Scope
from consumer.cli.declare import config_option, form_option, takes, with_lists
from consumer.cli.input.parameters import DurationParameter, LaterParameter
from consumer.cli.keys.options import (
    KeysCreateOptions,
    KeysListOptions,
    KeysOptions,
    KeysRestoreOptions,
    KeysRevokeOptions,
    KeysRotateOptions,
    KeysShowOptions,
)
from consumer.cli.lazy import LazyCall
from consumer.deliveries.origin import Environment

_create: Final = LazyCall("consumer.cli.keys.create:create", KeysCreateOptions)
_list: Final = LazyCall("consumer.cli.keys.listing:list_keys", KeysListOptions)
_show: Final = LazyCall("consumer.cli.keys.listing:show", KeysShowOptions)
_rotate: Final = LazyCall("consumer.cli.keys.create:rotate", KeysRotateOptions)
_revoke: Final = LazyCall("consumer.cli.keys.revoke:revoke", KeysRevokeOptions)
_export: Final = LazyCall("consumer.cli.keys.move:export", KeysOptions)
_restore: Final = LazyCall("consumer.cli.keys.move:restore", KeysRestoreOptions)

_environments: Final = click.Choice([environment.value for environment in Environment])
_key_id = click.argument("key_id", metavar="ID")
_new_form = form_option(
    "text",
    default="text",
    help_text="Print the key and nothing else, or a line of JSON with the key and its fields.",
)


@click.group()
@with_lists
def keys() -> None:
    """Make, show, rotate and revoke the access keys with which brands reach the HTTP port.

    The keys are in a bucket on the server of [sink]. A change is in force within a second in every
    process. docs/keys.md says what each scope allows.

    Examples:
      consumer keys create --environment test --scope ingest
      consumer keys list
      consumer keys revoke nq1Urtg6ciEv
    """


@keys.command()
@config_option
@click.option(
    "--brand",
    metavar="NAME",
    help="The brand for which the holder acts. [default: the brand of the configuration]",
)
@click.option(
    "--environment",
    type=_environments,
    required=True,
    help="live: for real events. test: for the sandbox; nothing of it reaches what is live.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="What the key allows. May be given several times.",
)
@click.option(
    "--subjects",
    metavar="SUBJECT",
    multiple=True,
    help="Let the key read only events with this subject, such as withdrawal.requested, or of this "
    "family, such as 'withdrawal.*'. May be given several times. [default: all]",
)
@click.option(
    "--expires",
    "expires_s",
    type=LaterParameter(),
    help="Refuse the key from TIME on. TIME is RFC 3339, or how long until then: 24h, 90d. "
    "[default: never]",
)
@click.option(
    "--allow",
    "addresses",
    metavar="NETWORK",
    multiple=True,
    help="Take the key only from this address or network, such as 203.0.113.0/24. May be given "
    "several times. [default: from everywhere]",
)
@click.option(
    "--rate",
    "events_per_s",
    metavar="NUMBER",
    type=click.FloatRange(0, min_open=True),
    help="The largest number of events a second, in each process. [default: no limit for live, "
    "[sandbox] rate for test]",
)
@click.option(
    "--request-rate",
    "requests_per_s",
    metavar="NUMBER",
    type=click.FloatRange(0, min_open=True),
    help="The largest number of requests a second, in each process. [default: no limit]",
)
@click.option("--person", metavar="NAME", default="", help="The person who holds the key.")
@click.option("--name", metavar="TEXT", default="", help="A name for the key, for people.")
@_new_form
@takes(KeysCreateOptions)
def create(options: KeysCreateOptions) -> None:
    """Make a key, and print it. It is shown once, and only its hash is stored.

    Standard output gets the key and nothing else, so a script can take it.

    Examples:
      KEY=$(consumer keys create --environment test --scope ingest)
      consumer keys create --brand brand-a --environment live --scope ingest --rate 500
      consumer keys create --environment live --scope events:read --subjects 'withdrawal.*'
      consumer keys create --environment live --scope admin --expires 90d --person anna
      consumer keys create --environment live --scope ingest --allow 203.0.113.0/24
    """
    _create(options)


@keys.command("list")
@config_option
@click.option("--brand", metavar="NAME", help="List only keys of this brand.")
@click.option("--environment", type=_environments, help="List only keys of this environment.")
@form_option(
    "table",
    help_text="Print a table for people, or a line of JSON for each key. [default: a table on a "
    "terminal, JSON in a pipe]",
)
@takes(KeysListOptions)
def list_keys(options: KeysListOptions) -> None:
    """List the keys, the newest last. Neither secrets nor their hashes are shown.

    Examples:
      consumer keys list
      consumer keys list --brand brand-a --environment live
      consumer keys list --format json | jq -r 'select(.state == "in force") | .id'
    """
    _list(options)


@keys.command()
@_key_id
@config_option
@form_option(
    "text",
    help_text="Print text for people, or a line of JSON. [default: text on a terminal, JSON in "
    "a pipe]",
)
@takes(KeysShowOptions)
def show(options: KeysShowOptions) -> None:
    """Show everything that is known about a key, except its secrets.

    ID is the second part of the key: in ck_live_nq1Urtg6ciEv_… it is nq1Urtg6ciEv.

    Examples:
      consumer keys show nq1Urtg6ciEv
      consumer keys show nq1Urtg6ciEv --format json | jq .used_on
    """
    _show(options)


@keys.command()
@_key_id
@config_option
@click.option(
    "--overlap",
    "overlap_s",
    type=DurationParameter(may_be_zero=True),
    default="24h",
    show_default=True,
    help="How long the earlier secrets still hold. With 0s they end at once, which is right after "
    "a leak.",
)
@_new_form
@takes(KeysRotateOptions)
def rotate(options: KeysRotateOptions) -> None:
    """Give a key a new secret, and print the key. It is shown once.

    Until the overlap is over, the holder can use both. The key keeps its id and all that it allows.

    Examples:
      KEY=$(consumer keys rotate nq1Urtg6ciEv)
      consumer keys rotate nq1Urtg6ciEv --overlap 7d
      consumer keys rotate nq1Urtg6ciEv --overlap 0s
    """
    _rotate(options)


@keys.command()
@click.argument("key_ids", metavar="ID...", nargs=-1, required=True)
@config_option
@takes(KeysRevokeOptions)
def revoke(options: KeysRevokeOptions) -> None:
    """Refuse keys for ever, in every process within a second.

    Open streams of the keys end too. A revoked key cannot be used again: make a new key.

    Examples:
      consumer keys revoke nq1Urtg6ciEv
      consumer keys list --brand brand-a --format json | jq -r .id | xargs consumer keys revoke
    """
    _revoke(options)


@keys.command()
@config_option
@takes(KeysOptions)
def export(options: KeysOptions) -> None:
    """Print all keys for a backup, a line of JSON each: the hashes of secrets, and no secret.

    Exit codes:
      0  every key was printed
      1  a record is not understood, and its key is not printed

    Examples:
      consumer keys export > keys.jsonl
    """
    _export(options)


@keys.command()
@click.argument("file", metavar="FILE")
@config_option
@click.option(
    "--replace",
    is_flag=True,
    help="Replace keys that exist with other content. This may undo a revocation.",
)
@takes(KeysRestoreOptions)
def restore(options: KeysRestoreOptions) -> None:
    """Store the keys of a backup. Their holders can go on using them.

    FILE is the output of `keys export`; - is standard input. If a key exists with other content,
    nothing is stored, unless you say `--replace`.

    Examples:
      consumer keys restore keys.jsonl
      consumer keys export -c old.toml | consumer keys restore - -c new.toml
    """
    _restore(options)
