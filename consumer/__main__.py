"""The command line's door: `consumer`, or `python -m consumer`."""

from __future__ import annotations

from consumer.cli.main import cli


def main() -> None:
    """Run the command line; ends the process with the verb's exit code."""
    cli(prog_name="consumer")


if __name__ == "__main__":
    main()
