"""What an alarm is called: the kind of change that its column went through."""

from collections.abc import Sequence

from setpoint.domain.finding import Finding
from setpoint.domain.profile import Profile
from setpoint.domain.value import replace
from setpoint.monitor.changes.engine import changes_of
from setpoint.monitor.changes.values import Change, Noise

NOISE = Noise(alpha=0.01)  # that something changed is known already
USUAL = {
    "null_rate": "nulls",
    "out_of_range": "range",
    "unseen_category": "new_level",
    "stuck": "frozen",
    "repeated_value": "frozen",
    "drift_location": "shift",
    "drift_scale": "scale",
    "drift_tv": "frequency",
    "drift_location_slow": "shift",
    "drift_scale_slow": "scale",
    "drift_ks_slow": "shape",
    "drift_tv_slow": "frequency",
}
CERTAIN = ("null_rate", "stuck")  # there is one thing that these can mean


def named(findings: Sequence[Finding], before: Profile, now: Profile) -> list[Finding]:
    """Return findings about columns with the kind of each; the alarms by what the profiles of their columns tell.

    Two columns that exchanged their values are told from two that changed, where both are in alarm. What a finding says
    of its kind stands, unless that is so. Both profiles have the same columns.
    """
    columns = [name for name in before.columns if any(f.alarm and f.column == name for f in findings)]
    known, seen = ({name: profile.columns[name] for name in columns} for profile in (before, now))
    changes = changes_of(known, seen, dict.fromkeys(columns, NOISE))
    steps = {f.column: f for f in findings if f.alarm and f.kind and f.monitor == "drift"}
    return [_named(_as_step(f, steps.get(f.column)), changes.get(f.column or "")) for f in findings]


def _as_step(finding: Finding, step: Finding | None) -> Finding:
    """Values out of range are what the step of the same column is."""
    return replace(finding, kind=step.kind) if step and finding.metric == "out_of_range" else finding


def _named(finding: Finding, change: Change | None) -> Finding:
    exchanged = change is not None and change.kind == "swapped"  # what the step of one column alone cannot tell
    if not finding.alarm or change is None or (finding.kind and not exchanged) or finding.metric in CERTAIN:
        return replace(finding, kind=finding.kind or USUAL.get(finding.metric, ""))
    return replace(finding, kind=change.kind, detail=f"{change.detail}; {finding.detail}")
