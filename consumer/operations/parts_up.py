"""Shows the states of the parts outside this process as a metric.

`/readyz` has the same states with their reasons. The states of listeners and lanes have metrics of
their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry, Metric

    from consumer.operations.health import Health


class PartsUp(Collector):
    """The states of the parts that `/readyz` shows.

    Args:
        registry: The registry that shows them.

    Attributes:
        health: The states. None until the daemon has made them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.health: Health | None = None
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Make the metric. prometheus_client calls this for a scrape."""
        family = GaugeMetricFamily(
            "consumer_part_up", "1 if a part outside this process works, else 0.", labels=("part",)
        )
        for part, up in self.health.outside() if self.health is not None else ():
            family.add_metric((part,), int(up))
        yield family
