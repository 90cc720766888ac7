"""Once a day: relations between columns, rows that are outliers, and what the answers rest on, against the reference.

What a study finds is a note, never an alarm: it says where to look. That these comparisons are quiet on like with like
was shown on simulated rows only, and a real reference is often older than a season.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.records import Columns, Records, moment
from setpoint.domain.study import Study
from setpoint.errors import ModelFailed
from setpoint.monitor.joint import JointChange, joint_change
from setpoint.stats.attribution import Ask, effects, ranking_kept, shares
from setpoint.stats.copula import even, moved
from setpoint.stats.outliers import Usual

EVERY = timedelta(days=1)
SPANS = (timedelta(days=1), timedelta(days=7), timedelta(days=28))  # of recent rows: the first with enough
ENOUGH, FEWEST_ROWS = 1_000, 200
MOST_ROWS = 5_000
ASKED = 500  # rows on either side that the model is asked about
OUTLYING = 0.995  # quantile of the reference's own distances
OUTLIER_FLOOR = 0.02  # share of rows
SHARE_FLOOR = 0.05  # of the attribution
RANKING = 0.9
EXAMPLES = 5
METRICS = ("drift_joint", "outliers", "attribution")
ALPHA = 0.01  # of a study's three comparisons each: notes, not alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class Studied:
    """What one study compares: a reference and recent rows, `asked` the model (None: it cannot be, `why_not` tells)."""

    now: datetime
    version: str
    reference: Columns
    recent: Records
    asked: Ask | None = None
    why_not: str = ""


def due(last: Study | None, version: str, now: datetime) -> bool:
    """Whether it is time for another study: a day after the last, or with another champion."""
    return last is None or last.version != version or now - last.at >= EVERY


def lately(rows: Records, now: datetime) -> Records:
    """Return the rows of the last day, week or four weeks: the shortest with a thousand rows."""
    spans = [rows.between(now - span, now) for span in SPANS]
    return next((part for part in spans if len(part) >= ENOUGH), spans[-1])


def study(seen: Studied) -> Study:
    """Compare; every metric that cannot be judged says why."""
    rows, size = len(seen.recent), len(next(iter(seen.reference.values()), ()))
    if min(rows, size) < FEWEST_ROWS:
        few = f"{rows} recent rows and {size} of the reference; {FEWEST_ROWS} of either are needed"
        return Study(at=seen.now, version=seen.version, skipped=dict.fromkeys(METRICS, few))
    recent = seen.recent.take(even(rows, MOST_ROWS))
    reference = {name: column[even(size, MOST_ROWS)] for name, column in seen.reference.items()}
    current = {name: recent.inputs[name] for name in reference}
    joint = joint_change(reference, current, alpha=ALPHA)
    attribution, effects_now, why = _attribution(seen, reference, current, recent)
    skipped = {"drift_joint": joint.skipped, "attribution": why}
    return Study(
        at=seen.now,
        version=seen.version,
        findings=(*_joint(joint, recent), *_outliers(reference, current, recent), *attribution),
        skipped={metric: words for metric, words in skipped.items() if words},
        effects=effects_now,
    )


def noteworthy(last: Study | None) -> tuple[Finding, ...]:
    """Return the findings of a study that came at least half way to their limit."""
    return tuple(f for f in last.findings if f.value >= f.limit / 2) if last else ()


def _note(
    recent: Records, monitor: str, metric: str, value: float, limit: float, detail: str, **more: object
) -> Finding:
    return Finding(
        monitor=monitor,
        metric=metric,
        since=moment(recent.time[0]),
        until=moment(recent.time[-1]),
        rows=len(recent),
        value=value,
        limit=limit,
        alarm=False,
        detail=detail,
        **more,  # type: ignore[arg-type]
    )


def _joint(joint: JointChange, recent: Records) -> Iterator[Finding]:
    """Say what became of the relations: of the classifier, of single pairs, of the reconstruction."""
    if joint.skipped or joint.auc is None or joint.auc_low is None or joint.auc_limit is None:
        return
    sure = joint.auc_low > joint.auc_limit
    driven = f"; driven by {', '.join(joint.drivers)}" if joint.drivers else ""
    yield _note(
        recent,
        "drift",
        "drift_joint",
        joint.auc,
        joint.auc_limit,
        f"a classifier tells recent rows from the reference's by relations alone, AUC {joint.auc:.3f}{driven}",
        low=joint.auc_low,
        kind="relation" if sure else "",
        column=joint.drivers[0] if joint.drivers else None,
    )
    for pair in joint.pairs:
        a, b = pair.columns
        yield _note(
            recent,
            "drift",
            "drift_relation",
            abs(pair.after - pair.before),
            abs(pair.after - pair.before) - pair.low,
            f"rank correlation of {a} and {b} {pair.before:.2f} → {pair.after:.2f}",
            low=pair.low,
            kind="relation",
            column=b,
        )
    if joint.reconstruction is not None and joint.reconstruction_limit is not None:
        sure = abs(joint.reconstruction) > joint.reconstruction_limit
        yield _note(
            recent,
            "drift",
            "pca",
            abs(joint.reconstruction),
            joint.reconstruction_limit,
            f"components of the reference reconstruct recent rows {joint.reconstruction:+.2f} sd worse than its own",
            kind="relation" if sure else "",
        )


def _outliers(reference: Columns, current: Columns, recent: Records) -> Iterator[Finding]:
    """Compare the share of rows beyond a far quantile of the reference's: one half of it teaches, the other tells."""
    half = len(next(iter(reference.values()))) // 2
    usual = Usual.of({name: column[:half] for name, column in reference.items()})
    own = usual.distance({name: column[half:] for name, column in reference.items()})
    far = usual.distance(current)
    edge = float(np.quantile(own, OUTLYING))
    found = moved((own > edge).astype(np.float64), (far > edge).astype(np.float64), ALPHA)
    share, natural = float(found.after), float(found.before)
    worst = np.argsort(-far)[:EXAMPLES]
    yield _note(
        recent,
        "data_quality",
        "outliers",
        share,
        min(natural + float(found.width) + OUTLIER_FLOOR, 1.0),
        f"{share:.1%} of {len(far)} rows lie farther out than 99.5 % of the reference's, columns taken together",
        low=max(share - float(found.width), 0.0),
        examples=tuple(str(i) for i in recent.id[worst[far[worst] > edge]]),
    )


def _attribution(
    seen: Studied, reference: Columns, current: Columns, recent: Records
) -> tuple[tuple[Finding, ...], dict[str, float], str]:
    """Compare what the champion's answers rest on; return findings and each column's share, or why there are none."""
    if seen.asked is None:
        return (), {}, seen.why_not
    rng = np.random.default_rng(0)
    sides = [{n: c[even(len(c), ASKED)] for n, c in side.items()} for side in (reference, current)]
    try:
        moves = [effects(side, seen.asked, rng) for side in sides]
    except ModelFailed as e:
        return (), {}, f"the model does not answer shuffled rows: {e}"
    if not all(np.isfinite(part).all() and part.any() for part in moves):
        return (), {}, "the model's answers do not move with any column"
    names, found = list(reference), shares(moves[0], moves[1], ALPHA / len(reference), rng)
    kept = ranking_kept(found.before, found.after)
    ranking = _note(
        recent,
        "attribution",
        "attribution_ranking",
        1 - kept,
        1 - RANKING,
        f"nDCG of the columns' ranking {kept:.3f}; now first: {names[int(found.after.argmax())]}",
    )
    changed = [
        _note(
            recent,
            "attribution",
            "attribution_share",
            float(abs(found.after[at] - found.before[at])),
            float(found.width[at]) + SHARE_FLOOR,
            f"{found.after[at]:.0%} of what moves the answers, {found.before[at]:.0%} on the reference",
            low=float(found.low[at]),
            column=names[at],
        )
        for at in np.argsort(-found.low)
    ]
    return (ranking, *changed), dict(zip(names, found.after.tolist(), strict=True)), ""
