"""Starts the command line, for `consumer` and for `python -m consumer`."""

from __future__ import annotations

from consumer.cli.main import cli
from consumer.cli.terminal.missing_streams import open_missing_streams


def main() -> None:
    """Run the command line, and end the process with the verb's exit code."""
    open_missing_streams()
    cli(prog_name="consumer")


if __name__ == "__main__":
    main()
