"""An overview as what JSON can hold. Keys are promises."""

import math
from typing import Any

import msgspec

from setpoint.domain.finding import Finding
from setpoint.domain.ledger import Estimated
from setpoint.monitor.overview.values import Overview


def as_dict(overview: Overview) -> dict[str, Any]:
    """Return all parts by name; a number that is not finite is null."""
    plain = msgspec.to_builtins(overview)
    for objective in plain["objectives"]:
        del objective["estimate"]  # it is among the estimates
    for incident in plain["incidents"]:
        del incident["findings"]  # those of today are listed, earlier ones by `incidents`
    findings = [finding_view(f) for f in overview.findings]
    estimates = [estimate_view(e) for e in overview.estimates]
    said: dict[str, Any] = _finite({**plain, "findings": findings, "estimates": estimates})
    return said


def finding_view(finding: Finding) -> dict[str, Any]:
    """Return one entry of `findings`."""
    return {**msgspec.to_builtins(finding), "window": finding.window}


def estimate_view(estimated: Estimated) -> dict[str, Any]:
    """Return an objective's estimate, as `status --json` and `monitor --json` print it."""
    fields: dict[str, Any] = msgspec.to_builtins(estimated)
    return {"metric": estimated.objective.metric, **{k: v for k, v in fields.items() if k not in ("objective", "off")}}


def _finite(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {key: _finite(part) for key, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [_finite(part) for part in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing
