"""Setpoint beside those who act by reflex, on the same trials."""

from collections.abc import Sequence

import numpy as np
from report import ALL_DAYS, BENIGN, facts, kinds_of

WORDS = {
    "setpoint": "setpoint",
    "alarm": "alarm only",
    "reflex": "always retrain (on each incident)",
    "rollback": "always roll back (on each incident)",
    "psi": "PSI > 0.2: retrain",
}
CHANGES = ("mend", "promote", "restore")


def compared(rows: Sequence[dict]) -> str:
    """Return a line a policy: regained and harm in the mean of the trials that all of them ran, and what they did.

    Regained is of the trials that cost something, each cut to -1 to 1; harm is how much worse than doing nothing the
    losses under a fault are, in clean losses, and `after` the same of the days after it. An action is false where
    nothing is wrong.
    """
    by = {p: {_trial(r): r for r in rows if r["asked"]["policy"] == p} for p in WORDS}
    by = {p: of for p, of in by.items() if of}
    if len(by) < 2:
        return ""
    shared = sorted(set.intersection(*(set(of) for of in by.values())))
    lines = [_line(p, [of[t] for t in shared]) for p, of in by.items()]
    head = "| policy | regained | harm | worst | after | acts | false | a year |\n" + "|---" * 8 + "|"
    return "\n".join(
        [f"\n== policies, on {len(shared)} trials that all of them ran", head, *lines, _by_fault(by, shared)]
    )


def _by_fault(by: dict[str, dict[tuple, dict]], shared: Sequence[tuple]) -> str:
    """Return what each regained of each fault that cost something."""
    lines = ["\n| regained of | costly | " + " | ".join(by) + " |\n" + "|---" * (2 + len(by)) + "|"]
    for kind in dict.fromkeys(t[1] for t in shared):
        found = {p: [facts(of[t])["regained"] for t in shared if t[1] == kind] for p, of in by.items()}
        known = {p: [x for x in each if x is not None] for p, each in found.items()}
        if known["setpoint"]:
            cells = " | ".join(f"{np.mean(np.clip(each, -1, 1)):.2f}" for each in known.values())
            lines.append(f"| {kind} | {len(known['setpoint'])} | {cells} |")
    return "\n".join(lines)


def _trial(r: dict) -> tuple:
    return r["asked"]["data"], r["asked"]["kind"], r["asked"]["seed"]


def _line(policy: str, of: Sequence[dict]) -> str:
    found = [facts(r) for r in of]
    quiet = [r for r in of if set(kinds_of(r)) <= set(BENIGN)]
    false, years = sum(_acts(r) for r in quiet), len(quiet) * ALL_DAYS / 365
    regained = [f["regained"] for f in found if f["regained"] is not None]
    after = [(r["after_realised"] - r["after_harmed"]) / r["clean"] for r in of]
    harm = [f["harm"] for f in found]
    return (
        f"| {WORDS[policy]} | {np.mean(np.clip(regained, -1, 1)) if regained else np.nan:.2f} | {np.mean(harm):.3f} | "
        f"{max(harm):.2f} | {np.nanmean(np.maximum(after, 0)):.3f} | {sum(map(_acts, of))} | {false} | "
        f"{false / years if years else 0:.1f} |"
    )


def _acts(r: dict) -> int:
    """Return how often it changed what is answered: a repair, or another version."""
    return sum(a[1] in CHANGES or (a[1] == "release" and a[4].startswith("rolled back")) for a in r["acts"])
