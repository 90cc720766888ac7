"""What the data plane counts, for Prometheus. With PROMETHEUS_MULTIPROC_DIR set, over all workers."""

import os
from collections.abc import Iterable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from setpoint.domain.record import InferenceRecord

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one worker; children are bound once and kept, so that counting costs about 1 µs."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        served = ("model", "version")
        self._requests = Counter("setpoint_requests", "Requests answered", (*served, "code"), registry=own)
        self._rows = Counter("setpoint_rows", "Rows predicted", served, registry=own)
        self._latency = Histogram(
            "setpoint_request_seconds", "Arrival to recorded answer", served, buckets=SECONDS, registry=own
        )
        self._batch = Histogram("setpoint_batch_rows", "Rows of one tick", buckets=ROWS, registry=own)
        self._other = Counter("setpoint_http_errors", "Requests that reached no model", ("code",), registry=own)
        self._outcomes = Counter("setpoint_outcomes", "Outcomes recorded", ("model",), registry=own)
        self._loads = Counter("setpoint_model_loads", "Versions loaded or refused", (*served, "result"), registry=own)
        self._dropped = Counter("setpoint_shadow_dropped", "Requests no shadow was asked", registry=own)
        self._held = Gauge(
            "setpoint_recorder_backlog", "Records the disk refuses", registry=own, multiprocess_mode="livesum"
        )
        self._shadow_rows = Gauge(
            "setpoint_shadow_waiting_rows", "Rows waiting for a shadow", registry=own, multiprocess_mode="livesum"
        )
        self._in_flight = Gauge(
            "setpoint_requests_in_flight", "Requests being answered", registry=own, multiprocess_mode="livesum"
        )
        self._generation = Gauge(
            "setpoint_generation", "Lowest generation any worker serves", registry=own, multiprocess_mode="livemin"
        )
        self._count = cache(lambda *labels: self._requests.labels(*labels).inc)
        self._add_rows = cache(lambda *labels: self._rows.labels(*labels).inc)
        self._observe = cache(lambda *labels: self._latency.labels(*labels).observe)
        self._dropped_before = 0
        self.in_flight = 0

    def batch(self, records: Iterable[InferenceRecord]) -> None:
        """Count the recorded requests of one tick."""
        rows: dict[tuple[str, str], int] = {}
        codes: dict[tuple[str, str, int], int] = {}
        for record in records:
            served = record.model, record.version
            code = (*served, record.status)
            codes[code] = codes.get(code, 0) + 1
            rows[served] = rows.get(served, 0) + len(record.ids)
            self._observe(*served)(record.latency_us / 1e6)
        for labels, n in codes.items():
            self._count(*labels)(n)
        for served, n in rows.items():
            self._add_rows(*served)(n)
        self._batch.observe(sum(rows.values()))

    def error(self, code: int) -> None:
        """Count a request that reached no model."""
        self._other.labels(code).inc()

    def outcomes(self, model: str, n: int) -> None:
        """Count outcomes that were recorded."""
        self._outcomes.labels(model).inc(n)

    def load(self, model: str, version: str, result: str) -> None:
        """Count a version that was loaded or refused."""
        self._loads.labels(model, version, result).inc()

    def sample(self, *, held: int, shadow_rows: int, shadow_dropped: int, generation: int) -> None:
        """Set what is measured by looking."""
        self._held.set(held)
        self._shadow_rows.set(shadow_rows)
        self._in_flight.set(self.in_flight)
        self._generation.set(generation)
        self._dropped.inc(shadow_dropped - self._dropped_before)
        self._dropped_before = shadow_dropped

    def text(self) -> bytes:
        """Return the page for Prometheus: of all workers, where they share a directory."""
        registry = self._registry
        if os.environ.get(DIRECTORY):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
