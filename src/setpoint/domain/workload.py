"""What workers had to do, minute by minute, and what a stretch of minutes comes to."""

from collections.abc import Iterable
from datetime import datetime

from setpoint.domain.value import value

MINUTES = 60  # that a worker remembers


@value
class Minute:
    """What one worker did for one version of a model in a minute (since the epoch).

    `requests` began a run after waiting for `queued_s` together; `runs` took `run_s` for `rows`; `turned_away` were
    refused, for too much was before them.
    """

    at: int
    model: str
    version: str
    requests: int = 0
    turned_away: int = 0
    rows: int = 0
    runs: int = 0
    queued_s: float = 0.0
    run_s: float = 0.0


@value
class Unwritten:
    """Records that a worker could not write: since when, how many it holds of at most `bound`, and why.

    `until` is when all were written; None: not yet. Times are seconds since the epoch. `most` were held at once.
    """

    since: float
    held: int
    most: int
    bound: int
    reason: str
    until: float | None = None


@value
class Load:
    """Some minutes of one model together, over all workers."""

    minutes: int = 0
    requests: int = 0
    turned_away: int = 0
    rows: int = 0
    runs: int = 0
    queued_s: float = 0.0
    run_s: float = 0.0

    @property
    def queue_ms(self) -> float:
        """How long a request waited, on average."""
        return 1e3 * self.queued_s / self.requests if self.requests else 0.0

    @property
    def run_ms(self) -> float:
        """How long a run took, on average."""
        return 1e3 * self.run_s / self.runs if self.runs else 0.0

    @property
    def row_ms(self) -> float:
        """How long a run took for each row."""
        return 1e3 * self.run_s / self.rows if self.rows else 0.0

    @property
    def asked_per_s(self) -> float:
        """Requests that came in a second, those turned away among them."""
        return (self.requests + self.turned_away) / (60 * self.minutes) if self.minutes else 0.0

    @property
    def refused(self) -> float:
        """Share of the requests that was turned away."""
        asked = self.requests + self.turned_away
        return self.turned_away / asked if asked else 0.0

    def busy(self, workers: int) -> float:
        """Return the share of their time in which so many workers ran the model."""
        return self.run_s / (60 * self.minutes * max(workers, 1)) if self.minutes else 0.0


def load_of(
    minutes: Iterable[Minute], model: str, since: datetime, until: datetime, version: str | None = None
) -> Load:
    """Return what a model had to do in the whole minutes that begin in a stretch of time."""
    first, last = -(-int(since.timestamp()) // 60), int(until.timestamp()) // 60
    mine = [m for m in minutes if m.model == model and first <= m.at < last and version in (None, m.version)]
    return Load(
        minutes=len({m.at for m in mine}),
        requests=sum(m.requests for m in mine),
        turned_away=sum(m.turned_away for m in mine),
        rows=sum(m.rows for m in mine),
        runs=sum(m.runs for m in mine),
        queued_s=sum(m.queued_s for m in mine),
        run_s=sum(m.run_s for m in mine),
    )
