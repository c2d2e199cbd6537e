"""A listener may take some message types only: who may publish to it cannot send the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.config.load import load
from consumer.errors import ConfigError, Reason
from consumer.lanes.wire import make_decoder
from consumer.listeners.registry import kinds
from consumer.pipeline.batch import Batch, Work
from tests.support.fates import reason, rejected, sent
from tests.support.samples import casino, payment

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config


def config(tmp_path: Path, types: str) -> Config:
    """Read a configuration with this option."""
    file = tmp_path / "consumer.toml"
    file.write_text(
        'brand = "b"\n[listeners.l]\nkind = "nats"\nsubject = "a.>"\nstream = "A"\n'
        f"types = {types}\n"
    )
    return load(file, {}, kinds())


def read(config: Config, *works: Work) -> list[Reason | None]:
    """Decode what arrived at the listener."""
    make_decoder(config, "l", lambda: 1024 * 1024).decode(Batch(list(works), 0.0, 0.0))
    return [reason(work) for work in works]


def test_other_types_become_dead_letters(tmp_path: Path) -> None:
    """Whatever their spelling; with the type's own name in the error."""
    taken = config(tmp_path, '["casino", "LOGIN_V2"]')
    works = [
        Work(sent(casino(), "CASINO")),
        Work(sent(casino(), "casino")),
        Work(sent(payment(), "payment")),
        Work(sent(payment(), "PAYMENT")),
        Work(sent(payment(), '"PAYMENT"')),
        Work(sent(payment(), "NOTHING")),
    ]
    forbidden = [Reason.FORBIDDEN_TYPE] * 3
    assert read(taken, *works) == [None, None, *forbidden, Reason.UNKNOWN_TYPE]
    died = rejected(works[2])
    assert died is not None
    assert died.detail == "type: this listener does not take PAYMENT"


def test_alias_is_the_same_type(tmp_path: Path) -> None:
    """In the option and in the message."""
    for option in ("USER_TAG", "USER_TAGS"):
        taken = config(tmp_path, f'["{option}"]')
        works = [Work(sent(b"{}", name)) for name in ("USER_TAG", "USER_TAGS")]
        assert read(taken, *works) == [Reason.INVALID, Reason.INVALID]


def test_empty_list_takes_nothing(tmp_path: Path) -> None:
    """It is not the same as no list."""
    assert read(config(tmp_path, "[]"), Work(sent(casino(), "CASINO"))) == [Reason.FORBIDDEN_TYPE]


def test_unknown_name_is_told(tmp_path: Path) -> None:
    """Otherwise the listener would refuse what it should take."""
    with pytest.raises(ConfigError) as why:
        config(tmp_path, '["CASINOO"]')
    (problem,) = why.value.problems
    assert "listeners.l.types: there is no such message type; did you mean CASINO?" in problem
