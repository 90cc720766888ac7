"""The tables of the fault bench."""

from collections import defaultdict

import numpy as np
from reliability import as_text, bins_of, unknowns

REMEDIES = {
    "null": {"fallback", "impute", "inverse_map", "ignore", "retrain", "wait"},
    "unit": {"inverse_map"},
    "renamed": {"map", "map_levels", "inverse_map"},
    "frozen": {"fallback", "impute", "ignore"},
    "swapped": {"swap", "swap_back"},
    "skew": {"fallback", "inverse_map", "impute", "ignore", "hold", "wait"},
    "release": {"rollback"},
    "exception": {"fallback", "rollback"},
    "outcomes": {"hold", "wait"},
    "prior": {"recalibrate", "threshold", "retrain"},
    "covariate": {"wait"},
    "concept": {"retrain"},
    "season": {"wait"},
    "attack": {"throttle"},
    "overload": {"workers", "wait"},
    "crash": {"restart"},
    "none": {"wait"},
}
BENIGN = ("none", "season", "covariate")
ACTING = ("mend", "fit", "promote")
COSTLY = 0.05
UNDER_ROWS, ALL_DAYS = 2_800, 20


def report(rows: list[dict]) -> str:
    """Return the tables as text."""
    out = []
    lost = [r for r in rows if "failed" in r]
    rows = [r for r in rows if "asked" in r]
    mine = [r for r in rows if r["asked"]["policy"] == "setpoint"]
    out.append(f"\n== {len(mine)} trials, {np.mean([r['seconds'] for r in mine]):.1f} s each\n")
    out += [_by_fault(mine), _together(mine), as_text(bins_of(mine), unknowns(mine))]
    if lost:
        out.append(f"\n{len(lost)} trials failed: " + "; ".join(sorted({r["failed"][:150] for r in lost})))
    return "\n".join(out)


def kinds_of(r: dict) -> list[str]:
    return r["asked"]["kind"].split("+")


def damage(r: dict) -> float:
    return (r["harmed"] - r["clean"]) / r["clean"]


def decided(r: dict) -> tuple[list, str | None] | None:
    """Return the causes and the remedy of the moment of decision: when it acted, or what is thought at the end.

    Of incidents that are as sure, one that proposes something goes before one that waits for it.
    """
    own = [c for c in r["causes"] if c[3]]
    own = [c for c in own if c[0] in after(r)]
    if not own:
        return None
    acted = [c for c in own if c[5]]
    sure = sorted(own, key=lambda c: (-c[3][0][2] * (c[3][0][0] != "unknown"), c[4] in (None, "wait")))
    best = (acted or sure)[0]
    return best[3], best[4]


def after(r: dict) -> set[str]:
    """Return the incidents that opened under the fault (of a season: ever)."""
    return {c[0] for c in r["causes"]} if r["before"] == 0 else {c[0] for c in r["causes"][r["before"] :]}


def facts(r: dict) -> dict:
    kinds, found = kinds_of(r), decided(r)
    causes = [c[0] for c in found[0]] if found else []
    acts = [a for a in r["acts"] if a[1] in ACTING and a[0] >= 0]
    left, real, clean = r["harmed"], r["realised"], r["clean"]
    benign = all(k in BENIGN for k in kinds)
    remedies = set().union(*(REMEDIES[k] for k in kinds))
    did = found[1] if found else None
    return {
        "damage": damage(r),
        "detected": r["detected_rows"] is not None and r["detected_rows"] <= UNDER_ROWS,
        "delay": r["detected_rows"],
        "top1": bool(causes) and causes[0] in kinds,
        "top3": bool(set(causes[:3]) & set(kinds)),
        "right": (not acts if benign else did in remedies or (did is None and "wait" in remedies)),
        "regained": _regained(clean, left, real),
        "of best": _of_best(r),
        "since": _regained(*r["acted"]) if r.get("acted") else None,
        "harm": max(0.0, real - left) / clean,
        "acted": bool(acts),
        "false": bool(acts) and did not in remedies,
    }


def _regained(clean: float, left: float, real: float) -> float | None:
    """Return the share of what a fault cost that did not come, where it cost something."""
    return (left - real) / (left - clean) if left - clean > COSTLY * clean else None


def _of_best(r: dict) -> float | None:
    """Return the regained share of what an oracle that knows the fault regains, where that is something."""
    best = r.get("attainable")
    if best is None or r["harmed"] - best <= COSTLY * r["clean"]:
        return None
    return (r["harmed"] - r["realised"]) / (r["harmed"] - best)


def _by_fault(rows: list[dict]) -> str:
    by = defaultdict(list)
    for r in rows:
        by[r["asked"]["kind"]].append(r)
    head = (
        "fault",
        "n",
        "costly",
        "damage",
        "detected",
        "delay",
        "top-1",
        "top-3",
        "remedy",
        "regained",
        "of best",
        "since act",
        "harm",
        "wrong acts",
    )
    lines = [_line(head), "|---" * len(head) + "|"]
    for kind, of in by.items():
        lines.append(_line(_cells(kind, of)))
    costly = [r for r in rows if damage(r) >= COSTLY and not set(kinds_of(r)) <= set(BENIGN)]
    if costly:
        lines.append(_line(_cells("all costly", costly)))
    quiet = [r for r in rows if set(kinds_of(r)) <= set(BENIGN)]
    if quiet:
        years = len(quiet) * ALL_DAYS / 365
        acts = sum(sum(a[1] in ACTING for a in r["acts"]) for r in quiet)
        opened = sum(len(r["causes"]) for r in quiet if r["asked"]["kind"] == "none")
        years_none = sum(r["asked"]["kind"] == "none" for r in quiet) * ALL_DAYS / 365
        lines.append(
            f"quiet (none, season, covariate): {years:.1f} years, {acts} actions = {acts / years:.1f} a year; "
            f"none alone: {opened} incidents in {years_none:.1f} years"
        )
    before = sum(r["before"] for r in rows)
    lines.append(f"incidents before the fault: {before} in {len(rows) * 10 / 365:.1f} years")
    return "\n".join(lines)


def _cells(kind: str, of: list[dict]) -> tuple:
    costly = [r for r in of if damage(r) >= COSTLY]
    # where a fault costs something, only those trials are judged; others all
    judged = [facts(r) for r in (costly if kind not in BENIGN and costly else of)]
    regained = [f["regained"] for f in judged if f["regained"] is not None]
    of_best = [f["of best"] for f in judged if f["of best"] is not None]
    since = [f["since"] for f in judged if f["since"] is not None]
    delays = [f["delay"] for f in judged if f["detected"]]
    every = [facts(r) for r in of]
    share = {k: f"{np.mean([f[k] for f in judged]):.2f}" for k in ("detected", "top1", "top3", "right")}
    return (
        kind,
        len(of),
        len(costly),
        f"{np.mean([damage(r) for r in of]):+.2f}",
        share["detected"],
        f"{np.median(delays):.0f}" if delays else "-",
        share["top1"],
        share["top3"],
        share["right"],
        f"{np.mean(np.clip(regained, -1, 1)):.2f}" if regained else "-",
        f"{np.mean(np.clip(of_best, -1, 1)):.2f}" if of_best else "-",
        f"{np.mean(np.clip(since, -1, 1)):.2f}" if since else "-",
        f"{np.mean([f['harm'] for f in every]):.3f}",
        sum(f["false"] for f in every),
    )


def _line(cells: tuple) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _together(rows: list[dict]) -> str:
    """Say of two faults at once how often each is named: by the likeliest cause of any incident that opened then."""
    pairs = defaultdict(list)
    for r in rows:
        if len(kinds_of(r)) > 1:
            named = {c[3][0][0] for c in r["causes"] if c[3] and c[0] in after(r)}
            pairs[r["asked"]["kind"]].append(len(named & set(kinds_of(r))))
    lines = [f"  {pair}: {sum(n == 2 for n in found)} of {len(found)}" for pair, found in pairs.items()]
    return "\n".join(["\ntwo at once, both named:", *lines]) if lines else ""
