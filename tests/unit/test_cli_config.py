"""`consumer config`: complete, and without a single secret."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from consumer.cli.main import cli
from consumer.config.load import build, load
from consumer.config.render import mask_url
from consumer.errors import ConfigError
from consumer.listeners.registry import kinds
from consumer.operations.http import listening_socket
from consumer.options.check import url_fault

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
brand = "brand-a"
[listeners.payments]
kind = "rabbitmq"
url = "amqp://guest:hunter2@127.0.0.1:5672/"
queue = "payments"
password = "hunter2"
[dedupe]
url_file = "{file}"
[sink]
url = "nats://hunter2@127.0.0.1:4222"
"""


def effective(tmp_path: Path, **environment: str) -> str:
    """Return what the verb prints for `CONFIG`."""
    secret = tmp_path / "redis-url"
    secret.write_text("redis://:hunter2@127.0.0.1/0\n")
    file = tmp_path / "consumer.toml"
    file.write_text(CONFIG.format(file=secret))
    result = CliRunner().invoke(cli, ["config", "--config", str(file)], env=environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Passwords in options, URLs, tokens and files are all hidden."""
    assert "hunter2" not in effective(tmp_path)


def test_output_is_toml_with_defaults(tmp_path: Path) -> None:
    """It can be read back, and shows what was not set as well."""
    tables = tomllib.loads(effective(tmp_path))
    assert tables["listeners"]["payments"]["password"] == "***"
    assert tables["listeners"]["payments"]["prefetch_count"] == 2000
    assert tables["dedupe"]["url"] == "redis://:***@127.0.0.1/0"


def test_environment_is_in_force(tmp_path: Path) -> None:
    """What the environment overrides is shown overridden."""
    tables = tomllib.loads(effective(tmp_path, CONSUMER__SINK__STREAM="OTHER"))
    assert tables["sink"]["stream"] == "OTHER"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("amqp://u:p@h:1/v", "amqp://u:***@h:1/v"),
        ("amqp://u:p@ss@h/v", "amqp://u:***@h/v"),
        ("nats://token@h,nats://u:p@h2", "nats://***@h,nats://u:***@h2"),
        ("redis://h/0?password=p&db=1", "redis://h/0?password=***&db=1"),
        ("redis://h:6379/0", "redis://h:6379/0"),
    ],
)
def test_urls_keep_all_but_the_password(url: str, masked: str) -> None:
    """An operator still sees which server it is."""
    assert mask_url(url) == masked


def test_schema_knows_every_kind_and_the_secrets_files() -> None:
    """Each kind is a branch of its own, and each secret has its `_file` twin."""
    result = CliRunner().invoke(cli, ["config", "--schema"])
    schema = json.loads(result.stdout)
    kinds = {
        definition["properties"]["kind"]["const"]
        for definition in schema["$defs"].values()
        if "kind" in definition["properties"] and "const" in definition["properties"]["kind"]
    }
    assert {"rabbitmq", "kafka", "nats", "http"} <= kinds
    assert "url_file" in schema["$defs"]["DedupeSettings"]["properties"]
    assert schema["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("option", ["brand", "sink.subject_prefix", "sink.stream"])
def test_line_break_at_the_end_of_a_name_is_refused(option: str) -> None:
    """It would end a line of NATS' protocol, and what follows would be a command."""
    table, _, name = option.rpartition(".")
    tables: dict[str, object] = {"brand": "b", "listeners": {}}
    tables |= {table: {name: "a\n"}} if table else {name: "a\n"}
    with pytest.raises(ConfigError, match=name):
        build(tables, {})


def told(tmp_path: Path, sink: str, **environment: str) -> tuple[str, ...]:
    """Return the problems of a configuration with these options in `[sink]`, without places."""
    file = tmp_path / "consumer.toml"
    file.write_text(
        'brand = "b"\n[listeners.l]\nkind = "nats"\nsubject = "a.>"\nstream = "A"\n'
        f"[sink]\n{sink}\n"
    )
    with pytest.raises(ConfigError) as why:
        load(file, environment, kinds())
    return tuple(problem.partition(": ")[2] for problem in why.value.problems)


def test_secret_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """What stands for the secret meanwhile is not held against the option."""
    (problem,) = told(tmp_path, f'url_file = "{tmp_path}/nowhere"')
    assert problem.startswith("sink.url_file: holds ")
    assert "cannot be read" in problem


def test_environment_with_secret_and_secret_file_is_told(tmp_path: Path) -> None:
    """Neither of the two wins silently."""
    (tmp_path / "secret").write_text("one")
    (problem,) = told(
        tmp_path,
        "",
        CONSUMER__SINK__PASSWORD="other",
        CONSUMER__SINK__PASSWORD_FILE=f"{tmp_path}/secret",
    )
    assert problem == "sink.password_file: password is set as well, expected one of the two"


def test_number_with_too_many_digits_is_told(tmp_path: Path) -> None:
    """Python reads integers of up to 4,300 digits."""
    (problem,) = told(tmp_path, "", CONSUMER__SINK__MAX_BYTES="9" * 5000)
    assert problem.startswith("sink.max_bytes: holds '999")


@pytest.mark.parametrize(
    "url",
    [
        "nats://[::1:4222",
        "nats://:4222",
        "nats://user:hunter/2@127.0.0.1:4222",
        "nats://user:12/34@127.0.0.1:4222",
        "nats://user:12?34@127.0.0.1:4222",
        "nats://user:12#34@127.0.0.1:4222",
        "nats://127.0.0.1:port",
        "nats://127.0.0.1:99999",
        "nats://user:12..34@a..b:4222",
        f"nats://user:1234@{'a' * 64}.example",
        "nats://127.0.0.1:4222,nats://user:12/34@127.0.0.1:4223",
    ],
)
def test_url_that_no_library_can_read_is_told(tmp_path: Path, url: str) -> None:
    """A library would tell it later, with a part of the password, and end the whole process."""
    (problem,) = told(tmp_path, f'url = "{url}"')
    assert problem.startswith("sink.url: holds a URL that cannot be read, and is not shown; ")
    assert "hunter" not in problem
    assert "34" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "nats://user:hunter%2F2@127.0.0.1:4222",
        "tls://nats.example",
        "nats://b\u00fccher.example.",
        "nats://my_host-1",
        "nats://[::1]:4222,nats://127.0.0.1:4223",
        "nats://127.0.0.1:4222,127.0.0.1:4223",
        "redis://:pa,ss@127.0.0.1:6379/0",
        "amqp://u:pa,ss@127.0.0.1:5672/v",
        "amqps://h/v?cafile=/etc/a@b.pem",
        "redis:///0",
        "rediss://",
        "unix:///run/redis.sock",
    ],
)
def test_other_urls_are_taken(url: str) -> None:
    """With a password that is escaped, a name, several servers."""
    assert url_fault(url) == ""


NATS_SCHEMES = "nats:// or tls://, or several with commas between them"
REDIS_SCHEMES = "redis://, rediss:// or unix://"


@pytest.mark.parametrize(
    ("option", "url", "schemes"),
    [
        ("sink", "127.0.0.1:4222", NATS_SCHEMES),
        ("sink", "redis://127.0.0.1:6379/0", NATS_SCHEMES),
        ("sink", "nats://127.0.0.1:4222,http://127.0.0.1:4223", NATS_SCHEMES),
        ("listeners.l", "amqp://127.0.0.1", NATS_SCHEMES),
        ("dedupe", "localhost:6379", REDIS_SCHEMES),
        ("dedupe", "http://127.0.0.1:6379", REDIS_SCHEMES),
    ],
)
def test_url_of_another_kind_of_server_is_refused(
    tmp_path: Path, option: str, url: str, schemes: str
) -> None:
    """The line names the schemes, and does not show the URL, which may hold a password."""
    (problem,) = told(tmp_path, "", **{f"CONSUMER__{option.replace('.', '__').upper()}__URL": url})
    what = "holds a value that is not shown, expected a URL that starts with"
    assert problem == f"{option}.url: {what} {schemes}"


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("sink", "nats://a:4222,b:4222,tls://c,u:p@d"),
        ("sink", "wss://nats.example"),
        ("dedupe", "rediss://:pa,ss@127.0.0.1:6379/0"),
        ("dedupe", "unix:///run/redis.sock"),
    ],
)
def test_url_of_the_right_server_is_taken(option: str, url: str) -> None:
    """Behind a comma, an address of NATS needs no scheme."""
    listener = {"kind": "nats", "subject": "a"}
    tables: dict[str, object] = {"brand": "b", "listeners": {"l": listener}, option: {"url": url}}
    config = build(tables, kinds())
    assert (config.sink if option == "sink" else config.dedupe).url == url


@pytest.mark.parametrize("bind", ["9464", ":9464", "", "[]:9464", "127.0.0.1:", "127.0.0.1:x"])
def test_operations_port_is_never_open_to_everybody_by_mistake(bind: str) -> None:
    """Without an address, the port would listen on all addresses, without a login."""
    with pytest.raises(ConfigError, match=r"operations\.bind: "):
        listening_socket(bind)
