"""What is looked at once a day: costly comparisons of recent rows with the reference."""

from datetime import datetime

from setpoint.domain.finding import Finding
from setpoint.domain.value import field, value


@value
class Study:
    """The findings of one study, all of them notes, and for each metric that could not be judged why.

    `effects` is by column its share of what moves the model's answers on recent rows; empty where that is not known.
    """

    at: datetime
    version: str
    findings: tuple[Finding, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    effects: dict[str, float] = field(default_factory=dict)
