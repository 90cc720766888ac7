"""An envelope, and what a check of it found, in words and as JSON."""

from typing import Any

import msgspec

from setpoint.domain.envelope import Envelope, Kind
from setpoint.domain.fleet import Deployment
from setpoint.loop.verbs.inside import Inside


def bounds_of(envelope: Envelope) -> list[tuple[str, str, str]]:
    """Return a line for each kind of change: its name, whether it needs a person, and within which bounds it may be."""
    within = {Kind.RETRAIN: _retrain(envelope), Kind.PROMOTE: _promote(envelope)}
    kinds = [k for k in Kind if k is not Kind.SHARE]
    lines = [(str(k), "yes" if envelope.is_automatic(k) else "asks", within.get(k, "")) for k in kinds]
    return [*lines, ("all together", "", f"{envelope.max_actions_per_day} a day")]


def _retrain(envelope: Envelope) -> str:
    bounds = envelope.retrain
    return _listed(
        f"{bounds.most_per_week} a week" if bounds.most_per_week is not None else "",
        f"by {', '.join(bounds.methods)}" if bounds.methods is not None else "",
        _hours(envelope),
    )


def _promote(envelope: Envelope) -> str:
    bounds = envelope.promote
    return _listed(
        "what the gate accepted",
        f"on {bounds.gate_rows} labelled rows or more" if bounds.gate_rows else "",
        f"judged in shadow on {bounds.shadow_rows} labelled rows or more" if bounds.shadow_rows else "",
        f"worse by {bounds.worse_by:.3g} of the loss at most" if bounds.worse_by is not None else "",
        f"steps of {bounds.largest_step:.0%} at most" if bounds.largest_step < 1 else "",
        f"{bounds.most_per_week} a week" if bounds.most_per_week is not None else "",
        _hours(envelope),
    )


def _hours(envelope: Envelope) -> str:
    return envelope.hours.text if envelope.hours else ""


def _listed(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def summary(found: Inside) -> str:
    """Return the verdict in a sentence."""
    days = (found.until - found.since).total_seconds() / 86_400
    span = f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d} ({days:.0f} d)"
    people = f", {len(found.people)} by people" if found.people else ""
    lost = f"; receipts show a loss for {', '.join(found.lost)}" if found.lost else ""
    if found.holds:
        unknown = f", of {len(found.unproven)} of them no evidence is kept" if found.unproven else ""
        return f"stayed inside its envelope, {span}: {_changes(found.automatic)}{unknown}{people}{lost}"
    left = len({(step.at, step.kind, step.subject) for step in found.outside})
    loose = f", {len(found.loose)} explained by no decision" if found.loose else ""
    return f"left its envelope, {span}: {left} of {_changes(found.automatic)}{loose}{people}{lost}"


def _changes(count: int) -> str:
    return f"{count} automatic change{'' if count == 1 else 's'}"


def envelope_view(deployment: Deployment) -> dict[str, Any]:
    """Return one entry of what `envelope show --json` prints."""
    return {
        "model": deployment.model,
        **msgspec.to_builtins(deployment.envelope),
        "since": deployment.envelopes[-1].at.isoformat() if deployment.envelopes else None,
        "by": deployment.envelopes[-1].by if deployment.envelopes else None,
    }


def inside_view(found: Inside) -> dict[str, Any]:
    """Return one entry of what `envelope check --json` prints."""
    return {"holds": found.holds, **msgspec.to_builtins(found)}
