"""The manifest for Kubernetes: its probes, times and rights fit the program and its image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from consumer.config.read import SYSTEM_FILE
from consumer.http.settings import HttpSettings
from consumer.operations.health import Health
from consumer.operations.http import OperationsSettings, listening_socket, serve
from consumer.operations.metrics import Metrics
from tests.unit.test_systemd_unit import LONGEST_STOP_S

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "config" / "kubernetes.yaml").read_text(encoding="utf-8")
DEPLOYMENT: Final[dict[str, Any]] = msgspec.yaml.decode(TEXT)
POD: Final[dict[str, Any]] = DEPLOYMENT["spec"]["template"]["spec"]
CONTAINER: Final[dict[str, Any]] = POD["containers"][0]
PROBES: Final = ("livenessProbe", "readinessProbe")


def test_it_is_a_deployment_of_the_pods_that_it_selects() -> None:
    """Kubernetes refuses it otherwise."""
    assert (DEPLOYMENT["apiVersion"], DEPLOYMENT["kind"]) == ("apps/v1", "Deployment")
    selected = DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert selected == DEPLOYMENT["spec"]["template"]["metadata"]["labels"]


def test_pod_waits_for_a_whole_drain() -> None:
    """Otherwise Kubernetes kills the process in the middle of it."""
    assert POD["terminationGracePeriodSeconds"] >= LONGEST_STOP_S


def test_drain_is_noticed_before_the_port_closes() -> None:
    """The probe fails so many times within `drain_delay_s`."""
    probe = CONTAINER["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] <= HttpSettings().drain_delay_s


async def test_probes_ask_what_the_port_answers() -> None:
    """Only the readiness ends with a drain."""
    health, listener = Health(), listening_socket("127.0.0.1:0")
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told: list[int] = []
    async with (
        serve(listener, health, Metrics(), {}, OperationsSettings()),
        httpx.AsyncClient(base_url=address) as client,
    ):
        for _ in range(2):
            for probe in PROBES:
                answer = await client.get(CONTAINER[probe]["httpGet"]["path"])
                told.append(answer.status_code)
            health.drain()
    assert told == [200, 200, 200, 503]


def test_probes_reach_the_operations_port() -> None:
    """It listens on every address of the pod, under the port's number."""
    [bind] = [one["value"] for one in CONTAINER["env"] if one["name"].endswith("OPERATIONS__BIND")]
    numbers = {one["name"]: one["containerPort"] for one in CONTAINER["ports"]}
    ports = {CONTAINER[probe]["httpGet"]["port"] for probe in PROBES}
    assert [f"0.0.0.0:{numbers[port]}" for port in ports] == [bind]


def test_process_has_the_user_of_the_image_and_no_more_rights() -> None:
    """It writes nothing, so its root file system is read-only."""
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [user] = re.findall(r"^USER (\d+):\1$", image, re.MULTILINE)
    pod, own = POD["securityContext"], CONTAINER["securityContext"]
    assert pod["runAsNonRoot"]
    assert {pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]} == {int(user)}
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}


def test_configuration_and_secrets_are_files() -> None:
    """The configuration is where the program looks for it, and no secret is in the environment."""
    places = {one["name"]: one["mountPath"] for one in CONTAINER["volumeMounts"]}
    volumes = {one["name"]: one for one in POD["volumes"]}
    assert places["configuration"] == str(SYSTEM_FILE.parent)
    assert f'password_file = "{places["secrets"]}/' in TEXT
    assert "secret" in volumes["secrets"]
    assert not any("valueFrom" in one for one in CONTAINER["env"])
