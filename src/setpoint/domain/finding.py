"""What a monitor says about a window."""

from datetime import datetime

from setpoint.domain.value import value


@value
class Finding:
    """One thing measured over one window, with its limit.

    `value` is compared with `limit`; `low` and `high` bound it (confidence interval at the level that the false-action
    budget leaves). Only a finding with `alarm` can start an action; the others are notes. `kind` names the change where
    it is known: `nulls`, `shift`, `unit`, `prior`, …
    """

    monitor: (
        str  # "drift", "data_quality", "quality", "fairness", "slices", "objective", "service", "process", "failed"
    )
    metric: str
    since: datetime
    until: datetime
    rows: int
    value: float
    limit: float
    alarm: bool
    column: str | None = None
    segment: str | None = None
    version: str | None = None
    role: str = "champion"
    kind: str = ""
    low: float | None = None
    high: float | None = None
    detail: str = ""
    examples: tuple[str, ...] = ()  # ids of requests that show it

    @property
    def window(self) -> str:
        """The window as text, for tables and JSON."""
        return f"{self.since:%Y-%m-%d %H:%M}/{self.until:%Y-%m-%d %H:%M}"
