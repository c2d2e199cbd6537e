"""Installs what is missing: Debian packages, and Kafka's jars through Maven."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.tools.embedded.servers import EmbeddedError
from tests.brokers.kafka import LIBRARIES
from tests.brokers.rabbitmq import PROGRAM as RABBITMQ_PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator

POM: Final = Path(__file__).with_name("kafka-pom.xml")
POLICY: Final = Path("/usr/sbin/policy-rc.d")


def install(names: list[str]) -> None:
    """Install the brokers that are named.

    Raises:
        EmbeddedError: it cannot be done here, with what to install by hand.
    """
    packages = []
    if "redis" in names and shutil.which("redis-server") is None:
        packages.append("redis-server")
    if "rabbitmq" in names and not Path(RABBITMQ_PROGRAM).exists():
        packages.append("rabbitmq-server")
    if "kafka" in names and shutil.which("java") is None:
        packages.append("openjdk-17-jre-headless")
    if "kafka" in names and not LIBRARIES.exists() and shutil.which("mvn") is None:
        packages.append("maven")
    if shutil.which("promtool") is None and _may_install():
        packages.append("prometheus")  # without it, the tests of alerts and dashboard are skipped
    if packages:
        install_packages(packages)
    if "kafka" in names and not LIBRARIES.exists():
        _fetch_kafka()


def install_packages(packages: list[str]) -> None:
    """Install Debian packages.

    Raises:
        EmbeddedError: it cannot be done here, with what to install by hand.
    """
    if not _may_install():
        raise EmbeddedError(
            f"install {' '.join(packages)} first (only root on Debian can have it done here),"
            f" or name running brokers in the environment: docker compose -f config/compose.yaml up"
        )
    print(f"installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], environment)
    with _services_stay_down():
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment)


def _may_install() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep Debian from starting what it installs: ours have ports and data of their own.

    Exit code 101 forbids it: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt.
    """
    if POLICY.exists():  # a container image's own, which says the same
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _fetch_kafka() -> None:
    print("fetching Kafka", flush=True)
    unfinished = LIBRARIES.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={unfinished}"]
    _run(["mvn", "-q", "-B", "-f", str(POM), *goal], dict(os.environ))
    unfinished.rename(LIBRARIES)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
