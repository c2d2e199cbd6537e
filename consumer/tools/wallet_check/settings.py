"""Reads the file of `consumer wallet check`: a provider's key, its game, and prepared sessions."""

from __future__ import annotations

import base64
import binascii
import tomllib
from typing import TYPE_CHECKING, Final

import msgspec
from nacl.signing import SigningKey

from consumer.errors import ConfigError
from consumer.ledger.amounts import Amounts, BadAmount
from consumer.ledger.currencies import BUILT_IN
from consumer.options.check import build_struct
from consumer.options.values import Secret, Text
from consumer.wallet.settings import Digits

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES: Final = 32
PEM_BEGINNING: Final = bytes.fromhex("302e020100300506032b657004220420")
"""In a PEM file, these 16 bytes name the algorithm. The 32 bytes of the private key follow them:
RFC 8410, section 7."""


class PreparedSessions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[sessions]`. Most sessions are the provider's own, in the currency of the file.

    Attributes:
        usual: A player with money for at least ten stakes. Nobody else plays with this player
            during the check.
        poor: Another player, who needs no money.
        expired: A session of the usual player that has ended.
        frozen: A player who is frozen.
        other_player: A further player with money for at least one stake.
        other_provider: A session of another provider or brand, which the key must not reach.
        other_currency: A session in another currency.
        bonus: A player with real money and bonus money.
    """

    usual: Text
    poor: Text
    expired: Text
    frozen: Text
    other_player: Text | None = None
    other_provider: Text | None = None
    other_currency: Text | None = None
    bonus: Text | None = None


class BonusBet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bet that bonus money alone has paid. The bonus has ended since then.

    Attributes:
        session: A session of the player.
        round_id: The round of the bet.
        bet_transaction_id: The provider's id of the bet.
    """

    session: Text
    round_id: Text
    bet_transaction_id: Text


class CheckFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        key_id: The id of the provider's key.
        private_key: Its private half: the base64 of 32 bytes, or PEM.
        game_id: A game of the provider.
        other_game_id: Another game of the provider.
        missing_game_id: A game that the provider does not have.
        currency: The currency of the sessions.
        currency_digits: The digits behind its point. None means that they are known.
        stake: The amount of a usual bet.
        rollback_wins: If true, wins can be taken back.
        sessions: The sessions.
        converted_bonus: A bet whose bonus became real money.
        forfeited_bonus: A bet whose bonus was taken away.
    """

    key_id: Text
    private_key: Secret
    game_id: Text
    other_game_id: Text | None = None
    missing_game_id: Text | None = None
    currency: Text
    currency_digits: Digits | None = None
    stake: Text = "1"
    rollback_wins: bool = False
    sessions: PreparedSessions
    converted_bonus: BonusBet | None = None
    forfeited_bonus: BonusBet | None = None


class PreparedCheck(msgspec.Struct, frozen=True):
    """What a check needs to know.

    Attributes:
        file: The file.
        signing: The private key.
        amounts: Reads and writes amounts of the currency.
        stake_units: The amount of a usual bet, more than 0.
    """

    file: CheckFile
    signing: SigningKey
    amounts: Amounts
    stake_units: int


def load_check(path: Path) -> PreparedCheck:
    """Read and check a file.

    Raises:
        ConfigError: There are mistakes; the text has all of them.
    """
    try:
        options = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    problems: list[str] = []
    file = build_struct(CheckFile, options, "", problems)
    if problems or file is None:
        # The options stand at the top of the file, so there is no name of a table before the dot.
        raise ConfigError(*(f"{path}: {problem.removeprefix('.')}" for problem in problems))
    try:
        return _prepared(file)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _prepared(file: CheckFile) -> PreparedCheck:
    """Read the key and the stake.

    Raises:
        ValueError: One of them cannot be used. The text names the option.
    """
    digits_count = file.currency_digits
    if digits_count is None:
        digits_count = BUILT_IN.get(file.currency)
    if digits_count is None:
        raise ValueError(f"currency_digits: is missing, and {file.currency!r} is not built in")
    amounts = Amounts({**BUILT_IN, file.currency: digits_count})
    try:
        stake_units = amounts.read(file.stake, file.currency)
    except BadAmount as error:
        raise ValueError(f"stake: holds {file.stake!r}: {error}") from error
    if not stake_units:
        raise ValueError(f"stake: holds {file.stake!r}, expected more than 0")
    return PreparedCheck(file, read_private_key(file.private_key), amounts, stake_units)


def read_private_key(text: str) -> SigningKey:
    """Read a private key from the base64 of its 32 bytes, or from a PEM file.

    Raises:
        ValueError: It is neither. The text shows nothing of the key.
    """
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        raw = base64.b64decode("".join(lines), validate=True)
    except binascii.Error:
        raise ValueError("private_key: expected base64, or the text of a PEM file") from None
    raw = raw.removeprefix(PEM_BEGINNING)
    if len(raw) != KEY_BYTES:
        raise ValueError(
            f"private_key: expected an Ed25519 key of {KEY_BYTES} bytes, got {len(raw)}"
        )
    return SigningKey(raw)
