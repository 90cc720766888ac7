"""What the data plane counts, for Prometheus. With PROMETHEUS_MULTIPROC_DIR set, over all workers."""

import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from setpoint.domain.record import InferenceRecord
from setpoint.serve.meter import Meter

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class ManyHistogram(Histogram):
    """A histogram that takes many observations at the cost of one."""

    def observe_all(self, values: Sequence[float]) -> None:
        """Observe each value."""
        for place, n in Tally(bisect_left(self._upper_bounds, value) for value in values).items():
            self._buckets[place].inc(n)
        self._sum.inc(sum(values))


class Metrics:
    """The counters of one worker.

    What each request adds is gathered in plain lists, and counted in `sample`: to count at once would cost as much as
    to decode a request.
    """

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        served = ("model", "version")
        self._requests = Counter("setpoint_requests", "Requests answered", (*served, "code"), registry=own)
        self._rows = Counter("setpoint_rows", "Rows predicted", served, registry=own)
        self._latency = ManyHistogram(
            "setpoint_request_seconds", "Arrival to recorded answer", served, buckets=SECONDS, registry=own
        )
        self._queue = ManyHistogram(
            "setpoint_queue_seconds", "Arrival to the start of the run", served, buckets=SECONDS, registry=own
        )
        self._run = ManyHistogram("setpoint_run_seconds", "One run of a model", served, buckets=SECONDS, registry=own)
        self._batch = ManyHistogram("setpoint_batch_rows", "Rows of one run", served, buckets=ROWS, registry=own)
        self._other = Counter("setpoint_http_errors", "Requests that reached no model", ("code",), registry=own)
        self._outcomes = Counter("setpoint_outcomes", "Outcomes recorded", ("model",), registry=own)
        self._loads = Counter("setpoint_model_loads", "Versions loaded or refused", (*served, "result"), registry=own)
        self._dropped = Counter("setpoint_shadow_dropped", "Requests no shadow was asked", registry=own)
        self._held = Gauge(
            "setpoint_recorder_backlog", "Records the disk refuses", registry=own, multiprocess_mode="livesum"
        )
        self._lag = Gauge(
            "setpoint_spool_lag_seconds", "How long records have waited for the record log", registry=own,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self._shadow_rows = Gauge(
            "setpoint_shadow_waiting_rows", "Rows waiting for a shadow", registry=own, multiprocess_mode="livesum"
        )
        self._in_flight = Gauge(
            "setpoint_requests_in_flight", "Requests being answered", registry=own, multiprocess_mode="livesum"
        )
        self._generation = Gauge(
            "setpoint_generation", "Lowest generation any worker serves", registry=own, multiprocess_mode="livemin"
        )
        self._violations = Counter(
            "setpoint_violations", "Rules that answered requests broke", (*served, "rule"), registry=own
        )
        self._runs: dict[tuple[str, str], tuple[list[float], list[float], list[float]]] = {}
        self._gathered: dict[tuple[str, str, int], tuple[list[int], list[float]]] = {}
        self._dropped_before = 0
        self.meter = Meter()
        self.in_flight = 0

    def batch(self, records: Iterable[InferenceRecord]) -> None:
        """Gather the recorded requests of one tick."""
        for record in records:
            key = record.model, record.version, record.status
            gathered = self._gathered.get(key)
            if gathered is None:
                gathered = self._gathered[key] = [], []
            if record.violations and record.status == 200:  # a refused request names what it likes
                for rule in record.violations:
                    self._violations.labels(record.model, record.version, rule).inc()
            gathered[0].append(len(record.ids))
            gathered[1].append(record.latency_us / 1e6)

    def ran(self, model: str, version: str, *, rows: int, seconds: float, queued_s: Sequence[float]) -> None:
        """Gather one run, and for how long the requests that began in it had waited."""
        gathered = self._runs.get((model, version))
        if gathered is None:
            gathered = self._runs[model, version] = [], [], []
        gathered[0].append(rows)
        gathered[1].append(seconds)
        gathered[2].extend(queued_s)

    def _count(self) -> None:
        """Count what was gathered."""
        gathered, self._gathered = self._gathered, {}
        for (model, version, code), (rows, seconds) in gathered.items():
            self._requests.labels(model, version, code).inc(len(rows))
            self._rows.labels(model, version).inc(sum(rows))
            self._latency.labels(model, version).observe_all(seconds)
        runs, self._runs = self._runs, {}
        for served, (sizes, took, queued) in runs.items():
            self._batch.labels(*served).observe_all(sizes)
            self._run.labels(*served).observe_all(took)
            self._queue.labels(*served).observe_all(queued)
            model, version = served
            self.meter.ran(
                model,
                version,
                requests=len(queued),
                rows=int(sum(sizes)),
                runs=len(sizes),
                queued_s=sum(queued),
                run_s=sum(took),
            )

    def error(self, code: int) -> None:
        """Count a request that reached no model."""
        self._other.labels(code).inc()

    def outcomes(self, model: str, n: int) -> None:
        """Count outcomes that were recorded."""
        self._outcomes.labels(model).inc(n)

    def load(self, model: str, version: str, result: str) -> None:
        """Count a version that was loaded or refused."""
        self._loads.labels(model, version, result).inc()

    def sample(self, *, held: int, lag_s: float, shadow_rows: int, shadow_dropped: int, generation: int) -> None:
        """Count what was gathered, and set what is measured by looking."""
        self._count()
        self._held.set(held)
        self._lag.set(lag_s)
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
