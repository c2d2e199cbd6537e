"""Only the owner of the key signs, only this request, and only now."""

from __future__ import annotations

import base64

import pytest
from nacl.signing import SigningKey

from consumer.wallet.signature import (
    PEM_BEGINNING,
    TOLERANCE_S,
    BadSignature,
    check_proof,
    read_public_key,
    read_signature,
    signed_text,
)

NOW_S = 1_800_000_000
OURS = SigningKey(b"1" * 32)
PROOF = base64.b64encode(OURS.sign(b"x").signature).decode()


def test_own_signature_passes() -> None:
    """The text is what docs/wallet.md says."""
    text = signed_text(NOW_S, "k1", "POST", "/v1/wallet/bet?x=1", b"{}")
    assert text == (
        b"v1\n1800000000\nk1\nPOST\n/v1/wallet/bet?x=1\n"
        b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
    proof = base64.b64encode(OURS.sign(text).signature).decode()
    signature = read_signature(f"t={NOW_S},k=k1,v1={proof}", NOW_S)
    check_proof(bytes(OURS.verify_key), signature, text)


@pytest.mark.parametrize(
    "other",
    [
        signed_text(NOW_S + 1, "k1", "POST", "/v1/wallet/bet", b"{}"),
        signed_text(NOW_S, "k2", "POST", "/v1/wallet/bet", b"{}"),
        signed_text(NOW_S, "k1", "PUT", "/v1/wallet/bet", b"{}"),
        signed_text(NOW_S, "k1", "POST", "/v1/wallet/win", b"{}"),
        signed_text(NOW_S, "k1", "POST", "/v1/wallet/bet?", b"{}"),
        signed_text(NOW_S, "k1", "POST", "/v1/wallet/bet", b"{ }"),
    ],
)
def test_no_part_of_a_request_can_be_changed(other: bytes) -> None:
    """Each is signed."""
    text = signed_text(NOW_S, "k1", "POST", "/v1/wallet/bet", b"{}")
    proof = base64.b64encode(OURS.sign(text).signature).decode()
    signature = read_signature(f"t={NOW_S},k=k1,v1={proof}", NOW_S)
    with pytest.raises(BadSignature):
        check_proof(bytes(OURS.verify_key), signature, other)
    with pytest.raises(BadSignature):
        check_proof(bytes(SigningKey.generate().verify_key), signature, text)


@pytest.mark.parametrize("late_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_old_and_future_requests_are_refused(late_s: int) -> None:
    """The server's time is told, so that a wrong clock is found."""
    with pytest.raises(BadSignature, match=str(NOW_S)):
        read_signature(f"t={NOW_S + late_s},k=k1,v1={PROOF}", NOW_S)
    read_signature(f"t={NOW_S + TOLERANCE_S},k=k1,v1={PROOF}", NOW_S)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        f"t={NOW_S},k=k1,v1={PROOF[:-4]}",
        f"t={NOW_S},k=k1,v1={PROOF}A",
        f"t=-{NOW_S},k=k1,v1={PROOF}",
        f"t={NOW_S},k=../k1,v1={PROOF}",
        f"k=k1,t={NOW_S},v1={PROOF}",
        f"t={NOW_S},k=k1,v1={PROOF}\n",
        f"t={'9' * 5000},k=k1,v1={PROOF}",
    ],
)
def test_header_in_another_form_is_refused(header: str | None) -> None:
    """It says what is expected."""
    with pytest.raises(BadSignature, match="X-Signature"):
        read_signature(header, NOW_S)


def test_public_key_is_read_from_base64_and_from_pem() -> None:
    """As `openssl pkey -pubout` writes it."""
    raw = bytes(OURS.verify_key)
    body = base64.b64encode(PEM_BEGINNING + raw).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    assert read_public_key(pem) == raw
    assert read_public_key(base64.b64encode(raw).decode() + "\n") == raw


@pytest.mark.parametrize(
    "text", ["", "abc", "AAAA", "x" * 100, base64.b64encode(b"1" * 44).decode()]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    """Before anybody waits for a callback that cannot be checked."""
    with pytest.raises(ValueError, match="expected"):
        read_public_key(text)
