"""The log of a bug shows where it is, and nothing that a sender or an operator wrote."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from consumer.events.normalise import Normaliser
from consumer.operations.log import LogSettings, configure
from consumer.pipeline import decode
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import reason, sent
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "4111-1111-1111-1111"


@pytest.fixture(params=["json", "console"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Log in one of the forms, as the daemon does."""
    form: str = request.param
    yield form
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def test_bug_in_the_decoder_shows_no_payload(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as a variable nor in the text of the error."""

    def fail(_self: Normaliser, body: bytes, *_: object) -> None:
        raise KeyError(body.decode())

    monkeypatch.setattr(Normaliser, "normalise", fail)
    configure(LogSettings(format=form))  # type: ignore[arg-type]  # one of the forms
    # A logger keeps the standard error of its first use.
    monkeypatch.setattr(decode, "log", structlog.get_logger())
    work = Work(sent(casino(user_id=SECRET), "CASINO"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    told = capsys.readouterr().err
    assert reason(work) == "internal"
    assert "KeyError" in told
    assert "in fail" in told or '"name":"fail"' in told
    assert SECRET not in told


def test_traceback_shows_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of any error that is logged, also by a library."""
    configure(LogSettings(format=form))  # type: ignore[arg-type]  # one of the forms
    password = SECRET
    try:
        len(password, 1)  # type: ignore[call-arg]  # the error
    except TypeError:
        structlog.get_logger().exception("ours")
        logging.getLogger("theirs").exception("theirs")
    told = capsys.readouterr().err
    assert "ours" in told
    assert "theirs" in told
    assert SECRET not in told
