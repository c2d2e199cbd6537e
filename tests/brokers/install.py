"""Installs what is missing: Debian packages, and Kafka's jars through Maven."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from consumer.embedded import EmbeddedError
from tests.brokers.kafka import LIBRARIES
from tests.brokers.rabbitmq import PROGRAM as RABBITMQ_PROGRAM

POM = Path(__file__).with_name("kafka-pom.xml")


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
    if packages:
        _install_packages(packages)
    if "kafka" in names and not LIBRARIES.exists():
        _fetch_kafka()


def _install_packages(packages: list[str]) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise EmbeddedError(f"install {' '.join(packages)} first (apt-get needs root)")
    print(f"installing {' '.join(packages)}", flush=True)
    # RUNLEVEL=1 keeps Debian from starting the services: ours have ports and data of their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    _run(["apt-get", "update", "-qq"], environment)
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment)


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
