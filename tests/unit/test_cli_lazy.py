"""What no type checker sees: names in strings, and options that click hands over by name."""

from __future__ import annotations

import asyncio
import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click
import pytest

from consumer.cli.lazy import ON_UVLOOP, LazyCall, imported
from consumer.cli.main import VERBS, cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec

MODULES = [import_module(f"consumer.cli.{verb}.command") for verb in VERBS]
CALLS = {
    held.name: held
    for module in MODULES
    for held in vars(module).values()
    if isinstance(held, LazyCall)
}
OPTIONS: dict[str, type[msgspec.Struct]] = {
    call.options_type.__name__: call.options_type for call in CALLS.values()
}
DAEMONS = {
    "consumer.cli.run.serve:run",
    "consumer.cli.sandbox.serve:run_sandbox",
    "consumer.cli.run.embedded:run_embedded",
    "consumer.cli.demo.demonstrate:demonstrate",
}
HEAVY = {"aiokafka", "aiormq", "asyncio", "nats", "prometheus_client", "redis", "rich", "uvloop"}
HELP_OF_ALL = """
import sys
from consumer.cli.main import VERBS, cli
for verb in ([], *([verb] for verb in VERBS), ["dead", "replay"]):
    cli([*verb, "--help"], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """Give every command below a group, with its words."""
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {verb}")
        else:
            yield f"{name} {verb}", command


COMMANDS = dict(commands(cli, "consumer"))


def test_every_verb_has_work() -> None:
    """Each of them names at least one function."""
    for module in MODULES:
        assert any(isinstance(held, LazyCall) for held in vars(module).values()), module


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_named_work_is_there_and_takes_the_options(call: LazyCall[msgspec.Struct]) -> None:
    """One parameter, of the Struct that the verb fills; an exit code comes back, or None."""
    work = imported(call.name)
    assert inspect.isfunction(work)
    (parameter,) = inspect.signature(work).parameters.values()
    assert parameter.annotation == call.options_type.__name__
    assert inspect.signature(work).return_annotation in ("int", "None")


def test_daemons_run_on_uvloop_and_nothing_else_does() -> None:
    """As in production; a verb that only asks needs no faster loop."""
    assert {name for name, call in CALLS.items() if call.loop == ON_UVLOOP} == DAEMONS
    assert all(inspect.iscoroutinefunction(imported(name)) for name in DAEMONS)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_options_are_the_fields_of_the_struct(command: click.Command) -> None:
    """Click hands over what the Struct expects, under the same names."""
    assert command.callback is not None
    (parameter,) = inspect.signature(command.callback).parameters.values()
    fields = OPTIONS[parameter.annotation].__struct_fields__
    assert {param.name for param in command.params} == set(fields)


async def test_help_imports_nothing_heavy() -> None:
    """`consumer --help` answers at once; a verb's too. In a process that has loaded nothing yet."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HELP_OF_ALL),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    helps, names = await process.communicate()
    assert (process.returncode, helps.count(b"Usage: ")) == (0, 2 + len(VERBS))
    loaded = {name.partition(".")[0] for name in names.decode().split()}
    assert "click" in loaded
    assert not loaded & HEAVY
