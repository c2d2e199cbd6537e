"""`python -m tests.brokers.browser`: installs Chromium, in about 20 s, where this can be done."""

from __future__ import annotations

import shutil
from typing import Final

from consumer.tools.embedded.servers import EmbeddedError
from tests.brokers.install import install_packages

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of Chromium, or None if it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def main() -> None:
    """Install it if it is missing. Without it, the tests of the pages are skipped."""
    if chromium() is None:
        try:
            install_packages(["chromium"])
        except EmbeddedError as error:
            print(f"the pages are not tested: {error}")


if __name__ == "__main__":
    main()
