"""What the gate found, as a table."""

from rich.table import Table
from rich.text import Text

from setpoint.cli.show import table
from setpoint.domain.rollout import GateCheck, Holds, Rollout, Verdict

MARKS = {
    Holds.PASS: Text("✓", style="green"),
    Holds.FAIL: Text("✗", style="bold red"),
    Holds.WAIT: Text("…", style="yellow"),
    Holds.NOT_APPLICABLE: Text("–", style="dim"),
}


def gate_table(rollout: Rollout, verdict: Verdict) -> Table:
    """Return every check of the gate's last look at a candidate."""
    rows = [(MARKS[check.holds], check.name, _words(check)) for check in verdict.judged]
    candidate, look = rollout.candidate, f", look {rollout.looks}" if rollout.looks > 1 else ""
    title = f"{candidate.version} against {candidate.champion}: {verdict.decision}{look}"
    return table(title, ("", "check", "what it found"), rows)


def _words(check: GateCheck) -> str:
    return f"{check.words} [{check.reason}]" if check.reason else check.words
