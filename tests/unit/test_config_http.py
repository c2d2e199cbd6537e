"""The public port and the sandbox in the configuration: what fits together, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from consumer.config.load import Config, build
from consumer.config.sandbox import sandbox_of
from consumer.errors import ConfigError
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.listeners.registry import kinds

DATA = Path(__file__).parents[1] / "data" / "tls"
PORT = """
[http]
[listeners.api]
kind = "http"
"""
SANDBOX = f"{PORT}[sandbox]\n"
NATS = 'kind = "nats"\nbrand = "b"\n'


def configured(text: str) -> Config:
    """Return the configuration of a file with this text."""
    return build(tomllib.loads(text), kinds())


def told(text: str) -> tuple[str, ...]:
    """Return the mistakes in a file with this text."""
    with pytest.raises(ConfigError) as refused:
        configured(text)
    return refused.value.problems


def test_a_port_and_its_listener_are_enough() -> None:
    """No brand is needed, because the key of a request names it."""
    config = configured(PORT)
    assert config.http is not None
    assert isinstance(config.listeners["api"], HttpListenerSettings)
    assert config.keys.bucket == "CONSUMER_KEYS"
    assert config.sandbox is None


def test_the_top_level_brand_is_not_the_brand_of_what_is_posted() -> None:
    """It is there for the other listeners."""
    assert configured(f'brand = "b"\n{PORT}').listeners["api"].brand is None


def test_without_the_tables_nothing_is_switched_on() -> None:
    """A table that is absent is not a table with defaults."""
    config = configured(f'[listeners.a]\n{NATS}subject = "in"\n')
    assert (config.http, config.sandbox) == (None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[listeners.api]\nkind = 'http'", "listeners.api: needs a port, expected a table [http]"),
        (f"[http]\n[listeners.a]\n{NATS}subject = 'in'", "http: nothing is behind the port"),
        (
            f"{PORT}[listeners.b]\nkind = 'http'",
            "listeners.b.kind: holds 'http' like listeners.api",
        ),
        (f"{PORT}brand = 'b'", "listeners.api.brand: the key of a request names the brand"),
        (f"{PORT}[sink]\nkind = 'core'", "sink.kind: holds 'core', expected 'jetstream'"),
        (f"{PORT}[http.tls]\nkey_file = 'k'", "http.tls.cert_file: is missing"),
        (f"[stream_api]\n[listeners.a]\n{NATS}", "stream_api: needs a port, expected"),
        ("[sandbox]\n[listeners.a]\n" + NATS, "sandbox: only test keys use it"),
    ],
)
def test_tables_that_do_not_fit_are_refused(text: str, words: str) -> None:
    """Each with the option and what was expected."""
    text = text if "subject" in text or "nats" not in text else f"{text}subject = 'in'"
    assert any(problem.startswith(words) for problem in told(text))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("max_event_bytes = 2_000_000", "http.max_event_bytes: holds 2000000, expected at most"),
        ("bind = '8080'", "http.bind: holds '8080', expected an address"),
        ("bind = ':8080'", "http.bind: holds ':8080', expected an address"),
        ("bind = '127.0.0.1:65536'", "http.bind: holds '127.0.0.1:65536', expected an address"),
        ("bind = 'fd:x'", "http.bind: holds 'fd:x', expected an address"),
        ("bind = '127.0.0.1:9464'", "http.bind: holds '127.0.0.1:9464' like operations.bind"),
        ("trusted_proxies = ['10.0.0.0/33']", "http.trusted_proxies: '10.0.0.0/33' does not"),
        ("trusted_proxies = ['proxy']", "http.trusted_proxies: 'proxy' does not"),
        ("tls = {cert_file = '/no', key_file = '/no'}", "http.tls.cert_file: cannot use /no"),
        ("cors_origins = ['*']", "http.cors_origins: holds '*', expected an origin"),
        ("cors_origins = ['https://a.b/']", "http.cors_origins: holds 'https://a.b/'"),
        ("cors_origins = ['https://A.b']", "http.cors_origins: holds 'https://A.b'"),
    ],
)
def test_options_that_can_never_work_are_refused(option: str, words: str) -> None:
    """One line names the option, what it holds and what was expected."""
    (problem,) = told(PORT.replace("[http]", f"[http]\n{option}"))
    assert problem.startswith(words)


@pytest.mark.parametrize("bind", ["9464", ":9464", "127.0.0.1:65536", "fd:x"])
def test_port_of_operations_needs_an_address(bind: str) -> None:
    """`consumer config` and `check` say so too, and not only `run`."""
    (problem,) = told(f"[operations]\nbind = '{bind}'\n{PORT}")
    assert problem.startswith(f"operations.bind: holds '{bind}', expected an address such as")


@pytest.mark.parametrize(
    "option",
    [
        "bind = '[::1]:8080'",
        "bind = 'localhost:0'",
        "bind = 'fd:3'",
        "trusted_proxies = ['10.0.0.0/8', '::1', '192.0.2.7']",
        "cors_origins = ['https://console.example.com', 'http://127.0.0.1:5173', 'http://[::1]']",
    ],
)
def test_other_addresses_are_taken(option: str) -> None:
    """Of both families, a network, an inherited socket."""
    assert configured(PORT.replace("[http]", f"[http]\n{option}")).http is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stream = 'EVENTS'", "sandbox.stream: holds 'EVENTS' like sink.stream"),
        (
            "stream = 'DEAD_LETTERS'",
            "sandbox.stream: holds 'DEAD_LETTERS' like dead_letters.stream",
        ),
        ("dead_letters = 'EVENTS_SANDBOX'", "sandbox.dead_letters: holds 'EVENTS_SANDBOX' like"),
        ("subject_prefix = 'dead'", "sandbox.subject_prefix: holds 'dead' like dead_letters"),
        ("dead_subject_prefix = 'sandbox'", "sandbox.dead_subject_prefix: holds 'sandbox' like"),
        (
            "subject_prefix = 'game'",
            "sandbox.subject_prefix: holds 'game', expected another: the cat",
        ),
        ("[sink]\nsubject_prefix = 'sandbox'", "sandbox.subject_prefix: holds 'sandbox', expected"),
        (
            "[routes]\n'game.bet' = 'sandbox.bet'",
            "sandbox.subject_prefix: holds 'sandbox', expected",
        ),
        ("[listeners.api-test]\nkind = 'http'", "listeners.api-test: the sandbox uses this name"),
    ],
)
def test_a_name_of_something_live_is_refused(text: str, words: str) -> None:
    """Otherwise tests would pass for real events, or real events would be lost in the sandbox."""
    assert any(problem.startswith(words) for problem in told(SANDBOX + text))


@pytest.mark.parametrize(
    "options",
    [
        "subject = 'sandbox.>'",
        "subject = '*.bet'",
        "subject = 'sandbox_dead.*.bet'",
        "subject = 'any'\nstream = 'EVENTS_SANDBOX'",
        "subject = 'any'\nstream = 'DEAD_LETTERS_SANDBOX'",
    ],
)
def test_a_listener_that_would_read_the_sandbox_is_refused(options: str) -> None:
    """It would make real events of tests."""
    for problem in told(f"{SANDBOX}[listeners.back]\n{NATS}{options}"):
        assert problem.startswith("sandbox.")
        assert "listeners.back reads" in problem


@pytest.mark.parametrize(
    "options",
    [
        "subject = '>'\nstream = 'INBOUND'",
        "subject = 'sandbox'",
        "subject = 'sandbox.>'\nurl = 'nats://elsewhere'",
    ],
)
def test_a_listener_that_reads_elsewhere_is_taken(options: str) -> None:
    """From another stream, another subject, another server."""
    assert configured(f"{SANDBOX}[listeners.other]\n{NATS}{options}").sandbox is not None


def test_a_certificate_and_its_key_are_read() -> None:
    """The key has to be the certificate's. The password is not shown."""
    tls = f"\n[http.tls]\ncert_file = '{DATA}/cert.pem'\nkey_file = '{DATA}/%s'\n"
    assert configured(PORT + tls % "key.pem").http is not None
    locked = tls % "locked_key.pem" + "key_password = 'hunter2'\n"
    assert configured(PORT + locked).http is not None
    for wrong in (tls % "other_key.pem", tls % "locked_key.pem", locked.replace("r2", "r3")):
        (problem,) = told(PORT + wrong)
        assert problem.startswith(f"http.tls.cert_file: cannot use {DATA}/cert.pem and ")
        assert "hunter" not in problem


def test_the_sandbox_has_nothing_of_the_live_side() -> None:
    """Only the listener of the port, and stream, letters and window of its own."""
    config = configured(f"brand = 'b'\n{SANDBOX}[listeners.q]\nkind = 'nats'\nsubject = 'in'\n")
    sandbox = sandbox_of(config)
    assert sandbox is not None
    assert sandbox.listeners == {"api-test": config.listeners["api"]}
    assert (sandbox.sink.stream, sandbox.sink.subject_prefix) == ("EVENTS_SANDBOX", "sandbox")
    assert sandbox.dead_letters.stream == "DEAD_LETTERS_SANDBOX"
    assert sandbox.dead_letters.subject_prefix == "sandbox_dead"
    assert sandbox.sink.max_bytes == sandbox.dead_letters.max_bytes == 1024**3
    assert sandbox.dedupe.window_s == 3600


def test_the_sandbox_keeps_what_belongs_to_the_servers() -> None:
    """The addresses, the logins, the replicas, and the routes under its own prefix."""
    config = configured(
        f"{SANDBOX}[sink]\nurl = 'nats://here'\nreplicas = 3\n[routes]\n'game.bet' = 'casino.bet'"
    )
    sandbox = sandbox_of(config)
    assert sandbox is not None
    assert (sandbox.sink.url, sandbox.sink.replicas) == ("nats://here", 3)
    assert sandbox.routes == {"game.bet": ["casino.bet"]}


def test_the_sandbox_remembers_at_least_as_long_as_its_stream() -> None:
    """An identity that is forgotten before the message id would be taken for a lost event."""
    text = SANDBOX.replace(
        "[sandbox]", "[sandbox]\nwindow_s = 60\n[dedupe]\nwindows_s = {CASINO = 900}"
    )
    sandbox = sandbox_of(configured(text))
    assert sandbox is not None
    assert sandbox.sink.duplicate_window_s == sandbox.dedupe.window_s == 60
    assert sandbox.dedupe.windows_s == {}


def test_without_the_table_there_is_no_sandbox() -> None:
    """Test keys are then refused."""
    assert sandbox_of(configured(PORT)) is None
