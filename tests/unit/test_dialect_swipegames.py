"""What only SwipeGames' dialect has: signed queries, 500 for doubt, rounds within a game."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from consumer.wallet.dialects.options import DialectOptions
from consumer.wallet.dialects.swipegames import SwipeGames, canonical, sign
from tests.support.dialect_scene import DialectScene, dialect_scene
from tests.support.dialect_speakers import SwipeSpeaker, compact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[DialectScene]:
    """Return a wallet, and a player `p` with 100.00 EUR."""
    async with dialect_scene(tmp_path, SwipeSpeaker) as scene:
        yield scene


@pytest.fixture
def swipe(scene: DialectScene) -> SwipeSpeaker:
    """Return the provider."""
    return cast("SwipeSpeaker", scene.speaker)


def test_a_query_is_written_as_the_published_example() -> None:
    """Of https://swipegames.github.io/public-api/authn: sorted, and without spaces."""
    fields = {
        "gameID": "sg_catch_97", "platform": "desktop", "currency": "USD",
        "cID": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "extCID": "your_ext_id",
        "locale": "en-US", "returnURL": "https://your-site.com/game-lobby",
    }  # fmt: skip
    assert canonical(fields) == (
        b'{"cID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890","currency":"USD","extCID":"your_ext_id",'
        b'"gameID":"sg_catch_97","locale":"en-US","platform":"desktop",'
        b'"returnURL":"https://your-site.com/game-lobby"}'
    )


@pytest.mark.parametrize(
    ("fields", "signature"),
    [
        (
            {"sessionID": "7eaac66f751bcdb758877004b0a1c0063bdfb615ee0c20a464ae76edc67db324113f1ca8"
             "bd62b13dd1c7a43f85a20ea3"},
            "23b02858e21abd151a4e48ed33e451cae4ad1b7cb267ef75d01c694ea2960e6d",
        ),
        ({}, "99922a0dbb1fe95624c93c7204445c2eff8a014b0c9b585ddf2da0c21083a34e"),
        (
            {"message": "hello world!", "data": "test@example.com"},
            "0825b42e92c46887f194252fda8b871c3c42aafa3833783d63b2005407000c02",
        ),
        (
            {"empty": "", "data": "value"},
            "8cf8644bfb7004cd21ad8512923169bb652d836183c07497797ef1ca313d88cc",
        ),
    ],
)  # fmt: skip
def test_published_signature_of_a_query_is_reproduced(
    fields: dict[str, str], signature: str
) -> None:
    """Of SwipeGames/integration-sdk-node, tests/crypto/sign.test.ts, at 919a084."""
    assert sign(b"secret-key", canonical(fields)) == signature


@pytest.mark.parametrize(
    ("body", "secret", "signature"),
    [
        (
            b'{"amount":100.5,"user_id":123}', b"secret-key",
            "9876ed3affd6596f3ddb9102a396718452cf83069904f3d001a2e91e164adc01",
        ),
        (
            b'{"amount":100.5,"user_id":123}', b"different-secret-key",
            "d86208a306f6562c80c0a8894a1294a63e5e3bb4e2fd2b9b031b3c3c65cb1847",
        ),
        (b"{}", b"secret-key", "99922a0dbb1fe95624c93c7204445c2eff8a014b0c9b585ddf2da0c21083a34e"),
    ],
)  # fmt: skip
def test_published_signature_of_a_body_is_reproduced(
    body: bytes, secret: bytes, signature: str
) -> None:
    """Of the same file. SwipeGames sends a body in its canonical form."""
    assert sign(secret, body) == signature


async def test_the_published_examples_are_played(scene: DialectScene, swipe: SwipeSpeaker) -> None:
    """The bodies of the OpenAPI file, with its ids and its amount."""
    seat = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
    await scene.sit("q", seat, 200_20)
    place = {"seat": seat, "round_id": "b78e42f8-2041-482d-9c4b-f2ca79fc75e3"}
    bet, win = "c27ccade-5a45-4157-a85f-7d023a689ea5", "d27ccade-5a45-4157-a85f-7d023a689ea5"
    scene.expect(await swipe.bet(bet, "100.10", **place), "OK", "100.10")
    scene.expect(await swipe.win(win, "100.10", **place), "OK", "200.20")


async def test_answer_has_what_swipegames_expects(swipe: SwipeSpeaker) -> None:
    """The balance as a text, and our own id of the transaction."""
    heard = await swipe.bet("t", "3.56")
    assert heard.document.pop("txID").isdigit()
    assert heard.document == {"balance": "96.44"}


@pytest.mark.parametrize("signature", ["", "0" * 64, "A" * 64])
async def test_wrong_signature_is_refused(
    scene: DialectScene, swipe: SwipeSpeaker, signature: str
) -> None:
    """Of a body, and of a query."""
    body = compact({"sessionID": "s"})
    told = await swipe.call("POST", "bet", body, body, signature)
    scene.expect(told, "BAD_SIGNATURE")
    scene.expect(
        await swipe.call("GET", "balance?sessionID=s", b"", body, signature), "BAD_SIGNATURE"
    )


async def test_signature_is_of_the_bytes_that_were_sent(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """Not of what could be made of them."""
    fields = {
        "sessionID": "s", "txID": "t", "roundID": "r", "amount": "1", "type": "regular",
        "new": {"b": 1, "a": 2},
    }  # fmt: skip
    body = compact(fields)
    scene.expect(await swipe.call("POST", "bet", body, body.replace(b":", b": ")), "BAD_SIGNATURE")
    scene.expect(await swipe.call("POST", "bet", body, body), "OK", "99")


@pytest.mark.parametrize("query", ["sessionID=s&sessionID=s", "", "sessionID=", "other=1"])
async def test_query_that_is_not_clear_is_refused(swipe: SwipeSpeaker, query: str) -> None:
    """Two readers could see two sessions."""
    fields = dict(part.split("=") for part in query.split("&") if part)
    heard = await swipe.call("GET", f"balance?{query}", b"", compact(fields))
    assert (heard.status, heard.balance) in {(401, None), (400, None)}


async def test_a_query_is_read_as_it_was_meant(scene: DialectScene, swipe: SwipeSpeaker) -> None:
    """With percent signs, and fields that are added later."""
    await scene.sit("q", "s +&=ö", 7_00)
    signed = '{"sessionID":"s +&=ö","x":"1"}'.encode()
    target = "balance?x=1&sessionID=s%20%2B%26%3D%C3%B6"
    scene.expect(await swipe.call("GET", target, b"", signed), "OK", "7")


async def test_rounds_count_within_a_game(scene: DialectScene, swipe: SwipeSpeaker) -> None:
    """The same id of a round in two games means two rounds."""
    await scene.sit("p", "s-h", game_id="h")
    await swipe.bet("t", "10")
    await swipe.win("w", "0")
    scene.expect(await swipe.bet("u", "10", seat="s-h"), "OK", "80")
    scene.expect(await swipe.bet("v", "10"), "ROUND_CLOSED")


async def test_errors_are_final_but_doubt(swipe: SwipeSpeaker) -> None:
    """SwipeGames takes a bet back after 500, so a bet that is refused must not get it."""
    assert {code for code, (status, _) in swipe.codes.items() if status == 500} == {"UNAVAILABLE"}


async def test_player_reads_why(swipe: SwipeSpeaker) -> None:
    """`message` is for the player, and `details` for the provider."""
    heard = await swipe.bet("t", "1000")
    assert heard.document["message"] == "You do not have enough money."
    assert heard.document["details"].startswith("INSUFFICIENT_FUNDS")
    gone = await swipe.bet("t", "1", seat="nobody's")
    assert gone.document["action"] == "refresh"


async def test_a_refund_is_answered_with_200_whatever_it_names(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """SwipeGames repeats it until then. Of a session that nobody knows, the balance is 0."""
    scene.expect(await swipe.rollback("b", "t", "10"), "OK", "100")
    scene.expect(await swipe.rollback("c", "u", "10", seat="nobody's"), "OK", "0")
    await swipe.bet("v", "10")
    scene.expect(await swipe.rollback("d", "v", "10", seat="nobody's"), "OK", "100")


async def test_a_refund_of_a_bet_that_cannot_be_gets_200(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """Its bet was refused, and SwipeGames sends the refund until it gets 200."""
    scene.expect(await swipe.bet("t", "0.001"), "BAD_AMOUNT")
    scene.expect(await swipe.rollback("b", "t", "0.001"), "OK", "100")
    await swipe.bet("u", "10")
    scene.expect(await swipe.rollback("c", "u", "10.001"), "BAD_AMOUNT")


async def test_a_refund_of_another_amount_is_refused(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """Refunds are of the whole bet."""
    await swipe.bet("t", "10")
    scene.expect(await swipe.rollback("b", "t", "9"), "NOT_REVERSIBLE")
    scene.expect(await swipe.rollback("b", "t", "10.00"), "OK", "100")


@pytest.mark.parametrize(
    "amount",
    ["1.001", "-1", "1e2", "01", "", ".5", "1.", "1,5", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 30],
)
async def test_amount_that_does_not_fit_is_refused(
    scene: DialectScene, swipe: SwipeSpeaker, amount: str
) -> None:
    """Never rounded, never guessed."""
    scene.expect(await swipe.bet("t", amount), "BAD_AMOUNT")
    assert await scene.units() == 100_00


async def test_yen_may_have_zeros_behind_the_point(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """SwipeGames writes two digits for all."""
    await scene.sit("j", "s-j", 1000, currency="JPY")
    scene.expect(await swipe.bet("t", "250.00", seat="s-j"), "OK", "750")
    scene.expect(await swipe.bet("u", "0.50", seat="s-j"), "BAD_AMOUNT")


async def test_free_rounds_move_nothing_until_their_end(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """They are told for tracking. The regular win with their id is what the player gets."""
    free = {"type": "free", "frID": "gift"}
    scene.expect(await swipe.bet("t", "5", **free), "OK", "100")
    scene.expect(await swipe.win("w", "9", **free), "OK", "100")
    for code in ("OK", "REPLAYED"):
        scene.expect(await swipe.win("x", "9", frID="gift"), code, "109")
    rows = await scene.ledger.rows("SELECT kind FROM transactions ORDER BY id", ())
    assert [row[0] for row in rows] == ["DEPOSIT", "PROMO_REWARD"]


async def test_nobody_plays_free_rounds_after_the_session(
    scene: DialectScene, swipe: SwipeSpeaker
) -> None:
    """As with other bets."""
    await scene.ledger.end_session("b", "s")
    scene.expect(await swipe.bet("t", "5", type="free"), "SESSION_EXPIRED")


def test_a_secret_that_can_be_guessed_is_not_taken() -> None:
    """An empty file would let everybody sign."""
    for text in ("", "short"):
        with pytest.raises(ValueError, match="at least 8"):
            SwipeGames(DialectOptions(secret=text))
