"""TLS files that cannot be used are told when the configuration is read, each by its option.

The files in tests/data/tls are of no use elsewhere. `cert.pem` belongs to `key.pem`, which
`locked_key.pem` holds under the password `hunter2`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from consumer.config.load import build
from consumer.errors import ConfigError
from consumer.listeners.registry import kinds
from consumer.options.values import TlsSettings

DATA: Final = Path(__file__).parents[1] / "data" / "tls"
CERT: Final = str(DATA / "cert.pem")
KEY: Final = str(DATA / "key.pem")
LOCKED: Final = str(DATA / "locked_key.pem")
LOCKED_UNUSED: Final = f"tls.cert_file: cannot use {CERT} and {LOCKED}: "
WRONG: Final[list[tuple[dict[str, str], str]]] = [
    ({"ca_file": "/nowhere/ca.pem"}, "tls.ca_file: cannot use /nowhere/ca.pem: "),
    ({"ca_file": KEY}, f"tls.ca_file: cannot use {KEY}: "),
    ({"ca_file": str(DATA)}, f"tls.ca_file: cannot use {DATA}: "),
    ({"ca_file": "a\0b"}, "tls.ca_file: cannot use a\0b: "),
    ({"cert_file": "/nowhere/cert.pem", "key_file": KEY}, "tls.cert_file: cannot use /nowhere"),
    ({"cert_file": CERT, "key_file": "/nowhere/key.pem"}, f"tls.cert_file: cannot use {CERT} and "),
    ({"cert_file": CERT, "key_file": str(DATA / "other_key.pem")}, "tls.cert_file: cannot use "),
    ({"cert_file": CERT}, f"tls.cert_file: cannot use {CERT}: "),
    (
        {"cert_file": CERT, "key_file": LOCKED},
        f"{LOCKED_UNUSED}the key is under a password, and tls.key_password is missing",
    ),
    (
        {"cert_file": CERT, "key_file": LOCKED, "key_password": "hunter3"},
        f"{LOCKED_UNUSED}tls.key_password is not the password of the key",
    ),
    ({"cert_file": CERT, "key_file": LOCKED, "key_password": "x" * 2000}, "tls.cert_file: cannot"),
    ({"key_file": KEY}, "tls.key_file: there is no certificate for it, expected a cert_file"),
    ({"ca_file": ""}, "tls.ca_file: holds '', expected the path of a file"),
]


@pytest.mark.parametrize(("tls", "told"), WRONG)
def test_file_that_cannot_be_used_is_told_by_its_option(tls: dict[str, str], told: str) -> None:
    """For every part that has these options, and without the password."""
    queue = {"kind": "rabbitmq", "queue": "q", "brand": "brand-a", "tls": tls}
    dedupe = {"url": "rediss://127.0.0.1", "tls": tls}
    with pytest.raises(ConfigError) as why:
        build({"listeners": {"x": queue}, "sink": {"tls": tls}, "dedupe": dedupe}, kinds())
    problems = sorted(why.value.problems)
    for path, problem in zip(("dedupe", "listeners.x", "sink"), problems, strict=True):
        assert problem.startswith(f"{path}.{told}")
        assert "hunter3" not in problem


@pytest.mark.parametrize(
    "tls",
    [
        {"ca_file": CERT},
        {"cert_file": CERT, "key_file": KEY},
        {"cert_file": CERT, "key_file": KEY, "key_password": "not needed"},
        {"cert_file": CERT, "key_file": LOCKED, "key_password": "hunter2"},
    ],
)
def test_files_that_fit_are_taken(tls: dict[str, str]) -> None:
    """Also a key under a password."""
    TlsSettings(**tls).context()  # type: ignore[arg-type]  # all of these options are texts
