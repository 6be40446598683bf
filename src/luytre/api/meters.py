"""Measurements for Prometheus: one registry per application, so that two nodes in one process do not mix.

Does not   keep history, or name cameras to anybody who may not read `/metrics` (metrics.py guards it).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client import Counter as Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luytre.app.node import Node
from luytre.archive.keys import Span
from luytre.base.clock import SYSTEM, US_PER_S
from luytre.base.errors import Error
from luytre.cameras.statuses import gap_causes
from luytre.people.actor import LOCAL

DAY_US = 86_400 * US_PER_S
# The ledger of a day of every stream is the one costly question here; scrapers come every 15 s.
GAPS_KEPT_S = 60.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Meters:
    """The registry, and what this process itself counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "luytre_request_seconds",
            "Duration of requests until the last byte was handed over.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.sent = Count(
            "luytre_sent_bytes", "Bytes of bodies and live messages.", ["route"], registry=self.registry
        )

    def add_node(self, node: Node) -> None:
        """Also tell of this node."""
        self.registry.register(NodeCollector(node))


class NodeCollector(Collector):
    """Asks the node when somebody scrapes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._gaps: tuple[float, Counter[str]] = (float("-inf"), Counter())

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the node."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Families; those whose source does not answer are left out."""
        yield GaugeMetricFamily(
            "luytre_viewers", "Live sockets with a viewer.", value=self._node.hub.viewers()
        )
        yield from self._renditions()
        try:
            yield from self._streams()
            yield from self._volumes()
            yield self._gap_family()
        except Error:
            return

    def _renditions(self) -> Iterable[Metric]:
        places = self._node.viewing.places
        yield GaugeMetricFamily(
            "luytre_renditions", "Conversions of pictures that run now.", value=places.busy
        )
        yield GaugeMetricFamily("luytre_rendition_places", "Conversions that may run.", value=places.most)
        yield CounterMetricFamily(
            "luytre_rendition_cpu_seconds", "Processor time of conversions.", value=places.cpu_s
        )
        yield CounterMetricFamily(
            "luytre_renditions_refused", "How often there was no place to convert.", value=places.refused
        )

    def _streams(self) -> Iterable[Metric]:
        states = GaugeMetricFamily("luytre_streams", "Streams by state.", labels=["stream", "state"])
        received = CounterMetricFamily(
            "luytre_received_bytes", "Bytes from the camera on this connection.", labels=["camera", "stream"]
        )
        lost = CounterMetricFamily(
            "luytre_lost_packets", "RTP packets missing on this connection.", labels=["camera", "stream"]
        )
        counts: Counter[tuple[str, str]] = Counter()
        for status in self._node.viewing.cameras(LOCAL):
            for stream in status.streams:
                counts[stream.name, stream.state] += 1
                if stream.seen is not None:
                    received.add_metric([status.camera.code, stream.name], stream.seen.bytes_received)
                    lost.add_metric([status.camera.code, stream.name], stream.seen.lost)
        for labels, count in sorted(counts.items()):
            states.add_metric(labels, count)
        return [states, received, lost]

    def _volumes(self) -> Iterable[Metric]:
        names = {
            "total_bytes": "Size of the file system.",
            "free_bytes": "Free for recordings.",
            "used_bytes": "Taken by recordings.",
            "segments": "Segment files.",
        }
        families = {
            name: GaugeMetricFamily(f"luytre_archive_{name}", text, labels=["volume"])
            for name, text in names.items()
        }
        up = GaugeMetricFamily("luytre_archive_up", "1: the volume can be written.", labels=["volume"])
        for volume in self._node.viewing.volumes(LOCAL):
            up.add_metric([volume.path], 1.0 if volume.state == "ok" else 0.0)
            for name, family in families.items():
                family.add_metric([volume.path], getattr(volume, name))
        return [up, *families.values()]

    def _gap_family(self) -> Metric:
        family = GaugeMetricFamily("luytre_gaps", "Gaps in the last 24 hours, by cause.", labels=["cause"])
        now_s = SYSTEM.monotonic_s()
        with self._lock:
            if now_s - self._gaps[0] > GAPS_KEPT_S:
                now_us = self._node.clock.wall_us()
                found = gap_causes(
                    self._node.archive, self._node.registry.list(), Span(now_us - DAY_US, now_us)
                )
                self._gaps = (now_s, found)
            for cause, count in sorted(self._gaps[1].items()):
                family.add_metric([cause], count)
        return family


class Measure:
    """Counts what passes. Routes are named by their pattern: a camera's code is not a label."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began_s = SYSTEM.monotonic_s()
        status = "500"
        sent = 0

        async def say(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = str(message["status"])
            else:
                sent += len(message.get("body") or message.get("bytes") or b"")
                # A live picture lasts for hours: its bytes are counted while it does.
                if sent > 1 << 20:
                    self._meters.sent.labels(_route(scope)).inc(sent)
                    sent = 0
            await send(message)

        try:
            await self._app(scope, receive, say)
        finally:
            self._meters.sent.labels(_route(scope)).inc(sent)
            if scope["type"] == "http":
                duration_s = SYSTEM.monotonic_s() - began_s
                self._meters.requests.labels(scope["method"], _route(scope), status).observe(duration_s)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "other"))
