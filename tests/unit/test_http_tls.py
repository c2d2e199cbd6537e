"""TLS at the public port: what is taken, what is cut off, and a certificate that is renewed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from structlog.testing import capture_logs

from consumer.errors import ConfigError
from consumer.http.connections import CutOff
from consumer.http.settings import HttpTlsSettings
from consumer.http.tls import Certificate
from consumer.options.secret_file import FileSecret
from tests.support.eventually import eventually
from tests.support.http_port import (
    POST,
    SHORT_S,
    TLS,
    TLS_FILES,
    EchoApplication,
    one_answer,
    port,
    rest,
    trusting,
)

if TYPE_CHECKING:
    from tests.support.http_port import RunningPort

NOWHERE: Final = "/nowhere/file.pem"
HALF_HELLO: Final = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture
def files(tmp_path: Path) -> HttpTlsSettings:
    """Return files that a test may replace."""
    for name in ("cert.pem", "key.pem"):
        shutil.copy(TLS_FILES / name, tmp_path / name)
    return HttpTlsSettings(cert_file=str(tmp_path / "cert.pem"), key_file=str(tmp_path / "key.pem"))


def renew(files: HttpTlsSettings) -> None:
    """Replace certificate and key."""
    shutil.copy(TLS_FILES / "other_cert.pem", files.cert_file)
    shutil.copy(TLS_FILES / "other_key.pem", files.key_file)


async def speaks(here: RunningPort, context: ssl.SSLContext) -> bool:
    """Tell whether a client with this context gets an answer."""
    try:
        async with here.connected(POST, context) as client:
            return await one_answer(client) == b"POST /a {}"
    except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
        return False


async def test_requests_over_tls_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that come together with the end of the handshake."""
    application = EchoApplication()
    async with port(monkeypatch, application, tls=TLS) as here:
        for _ in range(5):
            async with here.connected(POST * 3, trusting()) as client:
                assert [await one_answer(client) for _ in range(3)] == [b"POST /a {}"] * 3
        assert application.seen[0]["scheme"] == "https"
        assert application.seen[0]["client"][0] == "127.0.0.1"
        await here.all_left()


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
)
async def test_old_versions_are_refused(
    monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    """1.2 and newer are taken."""
    context = trusting()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the client refuses 1.1 by itself
    old = version is ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1") if old else contextlib.nullcontext():
        context.maximum_version = version
        context.minimum_version = version
    async with port(monkeypatch, tls=TLS) as here:
        assert await speaks(here, context) is not old


@pytest.mark.parametrize("sent", [b"", HALF_HELLO], ids=["nothing", "half a hello"])
async def test_handshake_that_never_ends_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """It counts as a connection while it lasts."""
    async with port(monkeypatch, tls=TLS, header_timeout_s=SHORT_S) as here:
        async with here.connected(sent) as client:
            await eventually(lambda: here.open_count == 1)
            assert await rest(client) == b""
        await here.all_left()
        assert here.shed_count(CutOff.HANDSHAKE) == 1


async def test_what_is_no_tls_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once."""
    async with port(monkeypatch, tls=TLS) as here:
        await here.ask(POST)
        await eventually(lambda: here.shed_count(CutOff.HANDSHAKE) == 1)
        await here.all_left()
        assert await speaks(here, trusting())


async def test_held_handshakes_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With asyncio's own way, they would not be counted at all."""
    async with (
        port(monkeypatch, tls=TLS, max_connections_count=2) as here,
        here.connected() as first,
        here.connected(),
    ):
        await eventually(lambda: here.open_count == 2)
        assert await speaks(here, trusting())
        assert await rest(first) == b""
        assert here.shed_count(CutOff.CONNECTIONS) == 1


async def test_client_needs_a_certificate_if_a_ca_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any that the CA has signed."""
    tls = HttpTlsSettings(
        cert_file=TLS.cert_file,
        key_file=TLS.key_file,
        client_ca_file=str(TLS_FILES / "other_cert.pem"),
    )
    async with port(monkeypatch, tls=tls) as here:
        assert await speaks(here, trusting(own="other_cert.pem"))
        assert not await speaks(here, trusting(own="cert.pem"))
        assert not await speaks(here, trusting())


async def test_renewed_certificate_is_taken(
    monkeypatch: pytest.MonkeyPatch, files: HttpTlsSettings
) -> None:
    """For new connections. The open ones go on."""
    async with port(monkeypatch, tls=files) as here, here.connected(b"", trusting()) as before:
        renew(files)
        async with asyncio.timeout(10):
            while not await speaks(here, trusting("other_cert.pem")):
                pass
        assert not await speaks(here, trusting("cert.pem"))
        before[1].write(POST)
        assert await one_answer(before) == b"POST /a {}"


def test_ca_that_is_gone_is_trusted_no_longer(files: HttpTlsSettings, tmp_path: Path) -> None:
    """A context only learns to trust more."""
    ca_file = tmp_path / "ca.pem"
    shutil.copy(TLS_FILES / "cert.pem", ca_file)
    certificate = Certificate(
        HttpTlsSettings(
            cert_file=files.cert_file, key_file=files.key_file, client_ca_file=str(ca_file)
        )
    )
    certificate.load()
    shutil.copy(TLS_FILES / "other_cert.pem", ca_file)
    certificate.refresh()
    (ca,) = certificate.context.get_ca_certs()
    assert ca["subject"] == ((("commonName", "other"),),)


def test_broken_new_files_keep_the_old_certificate(files: HttpTlsSettings) -> None:
    """They are told once for each change."""
    certificate = Certificate(files)
    certificate.load()
    context = certificate.context
    with capture_logs() as logs:
        shutil.copy(TLS_FILES / "other_cert.pem", files.cert_file)  # its key is not there yet
        for _ in range(3):
            certificate.refresh()
        assert certificate.context is context
        Path(files.cert_file).unlink()
        for _ in range(3):
            certificate.refresh()
        assert certificate.context is context
        renew(files)
        certificate.refresh()
    assert certificate.context is not context
    told = [(line["event"], line["log_level"]) for line in logs]
    assert told == [("certificate not read again", "warning")] * 2 + [
        ("certificate read again", "info")
    ]


def test_password_that_comes_after_its_key_is_read(files: HttpTlsSettings, tmp_path: Path) -> None:
    """Until then, the certificate of before stays in use."""
    password_file = tmp_path / "password"
    password_file.write_text("of the key before")
    certificate = Certificate(
        msgspec.structs.replace(files, key_password=FileSecret.read(str(password_file)))
    )
    certificate.load()
    context = certificate.context
    shutil.copy(TLS_FILES / "locked_key.pem", files.key_file)
    certificate.refresh()
    assert certificate.context is context
    password_file.write_text("hunter2\n")
    certificate.refresh()
    assert certificate.context is not context


def test_files_that_stay_are_not_read_again(files: HttpTlsSettings) -> None:
    """To look costs little; to read does not."""
    certificate = Certificate(files)
    certificate.load()
    context = certificate.context
    certificate.refresh()
    assert certificate.context is context


@pytest.mark.parametrize(
    ("option", "changed"),
    [
        ("cert_file", {"cert_file": NOWHERE}),
        ("cert_file", {"key_file": NOWHERE}),
        ("cert_file", {"key_file": str(TLS_FILES / "other_key.pem")}),
        ("cert_file", {"key_file": str(TLS_FILES / "locked_key.pem")}),
        ("cert_file", {"key_file": str(TLS_FILES / "locked_key.pem"), "key_password": "hunter3"}),
        ("client_ca_file", {"client_ca_file": NOWHERE}),
        ("client_ca_file", {"client_ca_file": str(TLS_FILES / "key.pem")}),
    ],
)
def test_files_that_cannot_be_used_are_told(option: str, changed: dict[str, str]) -> None:
    """Each by its option, and without the password."""
    options = {"cert_file": TLS.cert_file, "key_file": TLS.key_file, **changed}
    with pytest.raises(ConfigError, match=rf"^http\.tls\.{option}: cannot use ") as why:
        Certificate(HttpTlsSettings(**options)).load()
    assert "hunter3" not in str(why.value)


def test_key_under_a_password_is_taken() -> None:
    """With the right one."""
    locked = str(TLS_FILES / "locked_key.pem")
    settings = HttpTlsSettings(cert_file=TLS.cert_file, key_file=locked, key_password="hunter2")
    Certificate(settings).load()
