"""What is new for people: one thing to tell, and how it is told where it belongs to no incident."""

from enum import StrEnum

from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.notice import Severity
from setpoint.domain.owner import Responsible
from setpoint.domain.value import value


class Kind(StrEnum):
    """What is new, most urgent first."""

    ASKS = "needs you"
    BLIND = "cannot look"
    KEPT = "cannot delete"
    FAILED = "training failed"
    OPENED = "opened"
    WORSE = "got worse"
    UPDATED = "update"
    SILENT = "not audited"
    REMINDED = "still open"
    RECOVERED = "recovered"


@value
class News:
    """One thing to tell: of an incident, a candidate that waits, a silent source, or what fails again and again."""

    kind: Kind
    about: str
    severity: Severity
    incident: Incident | None = None
    said: tuple[str, ...] = ()  # what was done since people were last told
    first: bool = False  # nothing was told of it before
    responsible: Responsible = Responsible()

    @property
    def full(self) -> bool:
        """Whether its reader knows nothing of it yet, or may have forgotten."""
        return self.first or self.kind in (Kind.ASKS, Kind.OPENED, Kind.WORSE, Kind.REMINDED)

    @property
    def rank(self) -> tuple[int, int]:
        """Order of importance: what needs a person, what is new and critical, then the rest."""
        return list(Kind).index(self.kind), self.severity is not Severity.CRITICAL

    @property
    def alive(self) -> bool:
        """Whether it still does harm, as far as is known."""
        held = self.incident is not None and self.incident.status is IncidentStatus.HELD
        return self.kind is not Kind.RECOVERED and not held


@value
class Alone:
    """How something is told that belongs to no incident: the title, the first line, and the command to type next."""

    title: str
    head: str
    command: str


ALONE = {
    Kind.FAILED: Alone(
        title="the champion stays", head="A training failed; the champion serves as before", command="update"
    ),
    Kind.BLIND: Alone(
        title="nobody watches it",
        head="Looks at the model fail: nothing is found, mended or told until they do not; it serves as before",
        command="monitor",
    ),
    Kind.KEPT: Alone(
        title="records are kept for longer than they may be",
        head="Old records cannot be deleted: more is kept than `records:` of setpoint.yaml allows",
        command="status",
    ),
    Kind.SILENT: Alone(
        title="the source of the inputs does not answer",
        head="The source of the inputs does not answer: recorded inputs are compared with nothing",
        command="audit",
    ),
}
