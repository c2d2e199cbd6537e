"""Each query of the dashboard finds something in a real Prometheus that scrapes a real daemon."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from consumer.tools.embedded.servers import ServerProcess, free_port
from tests.support.eventually import eventually
from tests.support.http_daemon import post
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.http_daemon import HttpScene

DASHBOARD: Final = Path(__file__).parents[2] / "config" / "grafana.json"
CONFIG: Final = """
global: {scrape_interval: 1s}
scrape_configs: [{job_name: consumer, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
"""
VALUES: Final = {"$instance": ".*", "$listener": ".*", "$__rate_interval": "1m"}
"""What Grafana puts in place of its variables."""


def queries() -> list[str]:
    """Return the queries of all panels."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    for name, value in VALUES.items():
        found = [query.replace(name, value) for query in found]
    return found


@contextlib.contextmanager
def prometheus(folder: Path, daemon_port: int) -> Iterator[str]:
    """Run Prometheus, and yield the URL of its queries."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: python -m tests.brokers up")
    (folder / "prometheus.yaml").write_text(CONFIG % daemon_port)
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = ServerProcess("prometheus", command, folder / "prometheus.log")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}/api/v1/query"
    finally:
        server.kill()


class Questions:
    """Asks Prometheus.

    Args:
        url: of its queries.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def result(self, query: str) -> list[object]:
        """Return the values of a query.

        Raises:
            AssertionError: Prometheus does not take the query.
        """
        async with httpx.AsyncClient() as client:
            answer = (await client.get(self._url, params={"query": query})).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        found: list[object] = answer["data"]["result"]
        return found

    async def sees_events(self) -> bool:
        """Tell whether Prometheus has seen a counter grow."""
        with contextlib.suppress(httpx.TransportError):
            return bool(await self.result("rate(consumer_forwarded_total[1m]) > 0"))
        return False


async def test_each_query_is_answered(http_scene: HttpScene, tmp_path: Path) -> None:
    """With values, if what it asks about has happened."""
    key = await http_scene.key()
    with http_scene.daemon() as daemon, prometheus(tmp_path, daemon.port) as url:
        await daemon.is_ready()
        questions = Questions(url)

        async def seen() -> bool:
            async with http_scene.client(key) as client:
                await post(client, casino(activity_id=f"event {time.monotonic_ns()}"))
            return await questions.sees_events()

        await eventually(seen, what="events in Prometheus", within_s=40)
        silent = {query for query in queries() if not await questions.result(query)}
    # These only have values while something is wrong, with a wallet, or with a source that counts
    # what waits.
    expected = {query for query in queries() if query.endswith("> 0") or "wallet" in query}
    assert silent - expected <= {query for query in queries() if query.startswith("consumer_lag{")}
    assert len(silent) < len(queries()) / 2
