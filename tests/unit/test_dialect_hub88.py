"""What only Hub88's dialect has: its signatures, its amounts, its free bets and its tokens."""

from __future__ import annotations

import base64
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from consumer.wallet.dialects.hub88 import Hub88, check_signature
from consumer.wallet.dialects.options import DialectOptions
from consumer.wallet.signature import BadSignature
from tests.support.dialect_scene import DialectScene, dialect_scene
from tests.support.dialect_speakers import HubSpeaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEAK: Final = """-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDn4tsJrLrTB2/dDPgrgq0H4WOa
YLn5d29BVPaH5WeOCPpDi9hAv/w+PAjYEpFd+cyg+pYnkNvpIlUXB+VhJ6Tbi7Rd
BdCcmvfD+ev3FXmqiosmNuJS6+luJ4Qd81HKk5kGRDBAd++rFHvJE6loOc4gDEa5
pR4P2FKfIZZ7fk7iTQIDAQAB
-----END PUBLIC KEY-----"""
"""A key of 1024 bits, whose private half is gone."""
PUBLISHED: Final = Path(__file__).parents[1] / "data" / "hub88"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[DialectScene]:
    """Return a wallet, and a player `p` with 100.00 EUR."""
    async with dialect_scene(tmp_path, HubSpeaker) as scene:
        yield scene


@pytest.fixture
def hub(scene: DialectScene) -> HubSpeaker:
    """Return the provider."""
    return cast("HubSpeaker", scene.speaker)


def published() -> list[list[str]]:
    """Return Hub88's own texts with their signatures."""
    with (PUBLISHED / "signatures.csv").open() as lines:
        # The texts have quotation marks of their own, which mean nothing to this file.
        return list(csv.reader(lines, delimiter=";", quoting=csv.QUOTE_NONE))[1:]


@pytest.mark.parametrize(("text", "signature"), published())
def test_published_signature_is_good(text: str, signature: str) -> None:
    """And no other text has it."""
    key = load_pem_public_key((PUBLISHED / "public.pem").read_bytes())
    assert isinstance(key, RSAPublicKey)
    check_signature(key, signature, text.encode())
    with pytest.raises(BadSignature):
        check_signature(key, signature, text.encode() + b" ")


def test_there_are_five_published_signatures() -> None:
    """So that none is forgotten."""
    assert len(published()) == 5


@pytest.mark.parametrize("signature", ["", "no base64", base64.b64encode(b"x" * 256).decode()])
async def test_signature_of_somebody_else_is_refused(
    scene: DialectScene, hub: HubSpeaker, signature: str
) -> None:
    """Before anything is carried out. The answer still says to which request it belongs."""
    sent = {"token": "s", "user": "p", "game_code": "g"}
    heard = await hub.call("user/balance", {**sent, "request_uuid": "u-1"}, signature)
    scene.expect(heard, "BAD_SIGNATURE")
    assert heard.document["request_uuid"] == "u-1"


def test_a_weak_key_is_not_taken() -> None:
    """Nor is one of another kind, or no key at all."""
    for text in (WEAK, "-----BEGIN PUBLIC KEY-----", ""):
        with pytest.raises(ValueError, match=r"RSA key|[Uu]nable to load|PEM"):
            Hub88(DialectOptions(secret=text))


async def test_answer_has_what_hub88_expects(hub: HubSpeaker) -> None:
    """The fields of its page, and no other."""
    heard = await hub.bet("t", "3.56", request_uuid="u-1")
    assert heard.document == {
        "user": "p", "status": "RS_OK", "request_uuid": "u-1", "currency": "EUR",
        "balance": 9644000,
    }  # fmt: skip


async def test_a_player_is_known_or_not(hub: HubSpeaker) -> None:
    """The wallet knows nothing else of a player."""
    heard = await hub.call("user/info", {"user": "p", "request_uuid": "u-1"})
    assert heard.document == {"user": "p", "status": "RS_OK", "request_uuid": "u-1"}
    stranger = await hub.call("user/info", {"user": "nobody"})
    assert stranger.code == "RS_ERROR_UNKNOWN"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (1_230_001, "BAD_AMOUNT"),  # a hundredth of a cent
        (-1, "BAD_AMOUNT"),
        (1.5, "BAD_AMOUNT"),
        ("100000", "BAD_AMOUNT"),
        (None, "BAD_AMOUNT"),
        (True, "BAD_AMOUNT"),
        (10**24, "BAD_AMOUNT"),
    ],
)
async def test_amount_that_does_not_fit_is_refused(
    scene: DialectScene, hub: HubSpeaker, amount: object, code: str
) -> None:
    """Never rounded, never guessed."""
    scene.expect(await hub.call("transaction/bet", _bet(amount=amount)), code)
    assert await scene.units() == 100_00


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"amount": 1, "amount": 2}',
        b"\xff",
        b'{"request_uuid": "u"}',
        b"[" * 9000,
    ],
)
async def test_body_that_cannot_be_read_is_refused(
    scene: DialectScene, hub: HubSpeaker, body: bytes
) -> None:
    """With the status of a wrong syntax, or of a wrong type where it is one."""
    heard = await hub.call("transaction/bet", body)
    assert heard.status == 200
    assert heard.code in {"RS_ERROR_WRONG_SYNTAX", "RS_ERROR_WRONG_TYPES"}
    assert await scene.units() == 100_00


async def test_missing_field_and_wrong_type_have_their_own_status(
    scene: DialectScene, hub: HubSpeaker
) -> None:
    """Hub88 has one for each."""
    without = _bet()
    del without["token"]
    scene.expect(await hub.call("transaction/bet", without), "BAD_REQUEST")
    heard = await hub.call("transaction/bet", _bet(token=7))
    assert heard.code == "RS_ERROR_WRONG_TYPES"


async def test_yen_and_tokens_have_their_own_digits(scene: DialectScene, hub: HubSpeaker) -> None:
    """Hub88 writes five digits for all. What does not fit into them is not shown."""
    await scene.sit("j", "s-j", 1000, currency="JPY")
    await scene.sit("u", "s-u", 5_123_456, currency="USDT")
    yen = await hub.bet("t", "250", seat="s-j", player="j", currency="JPY")
    assert yen.document["balance"] == 750 * 100_000
    token = await hub.bet("u", "1.00001", seat="s-u", player="u", currency="USDT")
    assert token.document["balance"] == 412_344  # of 4.123446
    odd = await hub.bet("v", "0.5", seat="s-j", player="j", currency="JPY")
    scene.expect(odd, "BAD_AMOUNT")


async def test_another_currency_is_refused(scene: DialectScene, hub: HubSpeaker) -> None:
    """Also one that the wallet does not have, such as Hub88's mLTC."""
    for number, currency in enumerate(("JPY", "mLTC")):
        scene.expect(await hub.bet(f"t{number}", "1", currency=currency), "WRONG_CURRENCY")


async def test_a_free_bet_takes_nothing(scene: DialectScene, hub: HubSpeaker) -> None:
    """Its win is paid as real money."""
    scene.expect(await hub.bet("t", "5", is_free=True, reward_uuid="x"), "OK", "100")
    named = {"reference_transaction_uuid": "t", "is_free": True}
    scene.expect(await hub.win("w", "7", **named), "OK", "107")


async def test_a_free_win_needs_no_bet(scene: DialectScene, hub: HubSpeaker) -> None:
    """Some games send only what was won."""
    scene.expect(await hub.win("w", "7", is_free=True), "OK", "107")


async def test_a_closed_round_takes_no_bet(scene: DialectScene, hub: HubSpeaker) -> None:
    """Whether a bet or a win has closed it. Both may be repeated."""
    for _ in range(2):
        heard = await hub.bet("t", "1", round_id="a", round_closed=True)
        assert heard.code == ""
    scene.expect(await hub.bet("u", "1", round_id="a"), "ROUND_CLOSED")
    await hub.bet("v", "1", round_id="b")
    await hub.win("w", "1", round_id="b", round_closed=True)
    scene.expect(await hub.bet("x", "1", round_id="b"), "ROUND_CLOSED")
    scene.expect(await hub.win("y", "1", round_id="a"), "OK", "100")


async def test_a_round_may_have_no_name(scene: DialectScene, hub: HubSpeaker) -> None:
    """`round` may be null. Then a bet and the win that names it are a round."""
    await hub.bet("t", "10", round_id=None)
    named = {"reference_transaction_uuid": "t", "round_id": None}
    scene.expect(await hub.win("w", "5", **named), "OK", "95")


async def test_a_win_names_its_bet(scene: DialectScene, hub: HubSpeaker) -> None:
    """Which has to be there, and in this round."""
    missing = {"reference_transaction_uuid": "t"}
    scene.expect(await hub.win("w", "5", **missing), "BET_NOT_FOUND")
    await hub.bet("t", "10", round_id="a")
    scene.expect(await hub.win("w", "5", **missing), "TRANSACTION_CONFLICT")
    scene.expect(await hub.win("w", "5", round_id="a", **missing), "OK", "95")


async def test_a_token_of_another_user_is_refused(scene: DialectScene, hub: HubSpeaker) -> None:
    """A user may be left out."""
    scene.expect(await hub.bet("t", "1", player="q"), "SESSION_NOT_FOUND")
    scene.expect(await hub.bet("t", "1", player=None), "OK", "99")


async def test_a_rollback_needs_no_good_token(scene: DialectScene, hub: HubSpeaker) -> None:
    """Hub88 sends it until it counts."""
    await hub.bet("t", "10")
    heard = await hub.rollback("b", "t", "10", seat="nobody's")
    scene.expect(heard, "OK", "100")
    scene.expect(await hub.rollback("c", "c", "10"), "BAD_REQUEST")


def _bet(**changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "transaction_uuid": "t", "token": "s", "user": "p", "round": "r", "game_code": "g",
        "currency": "EUR", "amount": 100_000,
    }  # fmt: skip
    return {**fields, **changes}
