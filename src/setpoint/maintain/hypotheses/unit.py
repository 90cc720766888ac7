"""One numeric column is sent in another unit: some map turns it into what healthy rows look like, given the others."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.conversions import Conversion
from setpoint.domain.feature_map import FeatureMap, formula
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.odds import Odds
from setpoint.domain.records import Records, moment
from setpoint.domain.repaired import likelier
from setpoint.domain.repaired import outside as outside_range
from setpoint.domain.value import replace
from setpoint.maintain.affine import FITTED
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.joint import Joint
from setpoint.maintain.remedies import proven
from setpoint.maintain.remedies.about import joint_about, ties
from setpoint.maintain.stretch import Stretch, stretch_of
from setpoint.maintain.units import FEWEST, UNLIKE, Candidate, candidates, clipped, joints

LIKE = 2.0  # nats a row by which mapped rows may fall below the worst healthy stretch of as many rows
LEAST = 6.0  # nats before a map may be applied
UNUSUAL_LIKE = 0.1  # quantile of healthy stretches that rows must reach with a rare or a fitted map
CLEAR = 2.2  # nats by which the best map must beat every map that means something else
PLAIN = 1.0  # and those that are left of them without what rare maps cost
NARROW, GROWS = 0.3, 5.0  # times the least spread of healthy rows, and the scale that makes up for it
SAME = 0.25  # healthy standard deviations: maps closer than this mean the same
NAMED = 0.8  # share of the likeliest map's evidence with which a conversion that has a name is believed
SHOWN = 3


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Try every map on every measured column; the best of each column is an explanation."""
    stretch = stretch_of(case)
    if stretch is None or len(case.suspect) < FEWEST:
        return ()
    tail = len(stretch.rows) - len(latest(case.suspect))
    repaired = {name for m in case.maps for name in m.changes}
    lacking = {n for n in case.schema.names if stretch.lacks(n)}
    found: dict[str, tuple[Joint, list[Candidate]]] = {}
    for joint, skip in joints(stretch.known, case.schema, lacking):
        z = joint.standardised(stretch.seen)
        for one in candidates(joint, z, tail, case.schema, skip=skip | repaired):
            found.setdefault(one.column, (joint, []))[1].append(one)
    for _, maps in found.values():
        maps.sort(key=lambda c: (-c.ratio, c.conversion.label))
    best = sorted(found.values(), key=lambda of: (-of[1][0].ratio, of[1][0].column))
    return [explained(incident, case, score, joint, stretch, maps) for joint, maps in best[:SHOWN]]


def is_narrow(stretch: Stretch, best: Candidate) -> bool:
    """Whether a column spreads far less than in any healthy stretch of as many rows, and the map makes up for it."""
    known, seen = stretch.known[best.column], stretch.seen[best.column][best.onset :]
    seen, known = seen[~np.isnan(seen)], known[~np.isnan(known)]
    if best.conversion.scale < GROWS or not len(seen):
        return False
    parts = np.array_split(known, max(len(known) // len(seen), 1))
    return bool(clipped(seen).std() < NARROW * min(clipped(part).std() for part in parts))


def explained(
    incident: Incident, case: Case, score: Score, joint: Joint, stretch: Stretch, maps: list[Candidate]
) -> Explanation:
    """Judge the best map of one column, and prove its repair by scoring again."""
    best, rows = chosen(maps), stretch.rows
    worst = joint.floor(len(rows) - best.onset)
    unusual = best.conversion.rare or best.conversion.label == FITTED
    needed = joint.floor(len(rows) - best.onset, UNUSUAL_LIKE) if unusual else worst - LIKE
    unlike = best.raw < worst - UNLIKE * best.share or is_narrow(stretch, best)
    like = best.mapped > needed
    named = (c for c in maps if c.conversion.label != FITTED and near(c, best))
    rival = next((c for c in named if not same(joint, rows, best, c)), None)
    clear = rival is None or (
        rival.ratio < best.ratio - CLEAR and rival.ratio + rival.cost < best.ratio + best.cost - PLAIN
    )
    rule = written(best.conversion) + told(best)
    words = [
        f"with {best.column} = {rule} the rows since {moment(rows.time[best.onset]):%Y-%m-%d %H:%M} are "
        f"{best.ratio:.1f} nats likelier, given the other columns",
        f"log density a row: as sent {best.raw:.1f}, mapped {best.mapped:.1f}, healthy {worst:.1f} or more",
    ]
    if rival and not clear:
        words.append(f"{written(rival.conversion)} fits nearly as well")
    if not best.stepped:
        words.append("but the column moved there without a step")
    if not best.still:
        words.append("the newest rows are as they should be again")
    since = rows.take(np.arange(best.onset, len(rows)))
    repair = mended(incident, case, since, best)
    proof = None if repair is None else proven(incident, case, score, since, repair)
    words.append(
        "but nothing tells in single rows which they are, so they cannot be mapped"
        if proof is None
        else proof.repair.proof
    )
    if proof is not None and proof.harms:
        words.append("but the re-scored records are not better for it")
    sure = unlike and like and best.stepped
    support = min(best.ratio, CERTAIN) if sure else min(best.ratio, 0.0) - 1.0
    return Explanation(
        cause=Cause.UNIT,
        subject=best.column,
        support=support,
        evidence=tuple(words),
        repair=proof.repair
        if proof is not None and sure and clear and best.still and not proof.harms and best.ratio >= LEAST
        else None,
        nats=best.ratio,
        whole=like,
    )


def told(best: Candidate) -> str:
    """Say which rows are sent so, where not all are."""
    if best.apart is not None:
        return f" in the {best.share:.0%} out of range"
    return "" if best.share == 1.0 else f" in the {best.share:.0%} that it makes likelier"


def written(conversion: Conversion) -> str:
    """Write a conversion as people do."""
    return formula(conversion.scale, conversion.offset, conversion.label)


def chosen(maps: list[Candidate]) -> Candidate:
    """Return the likeliest map, or the likeliest conversion with a name if that explains nearly as much.

    Where a column is many times too large, any smaller scale explains most of it: a name is believed only where what it
    makes of the rows is nearly as likely, too.
    """
    best, named = maps[0], [c for c in maps if c.conversion.label != FITTED]
    return named[0] if named and named[0].ratio > NAMED * best.ratio and near(named[0], best) else best


def near(one: Candidate, best: Candidate) -> bool:
    """Whether what a map makes of the rows is nearly as likely as what the best one makes of them."""
    return one.mapped > best.mapped - LIKE


def same(joint: Joint, rows: Records, a: Candidate, b: Candidate) -> bool:
    """Whether two maps of a column give the same values, within a fraction of its healthy spread."""
    x = rows.inputs[a.column][a.onset :]
    x = x[~np.isnan(x)]
    if a.apart is not None:
        x = x[outside_range(a.apart, x)]
    if not len(x):
        return True
    apart = np.median(np.abs((a.conversion.scale - b.conversion.scale) * x + a.conversion.offset - b.conversion.offset))
    return bool(apart < SAME * joint.scale[joint.names.index(a.column)])


def mended(incident: Incident, case: Case, rows: Records, best: Candidate) -> FeatureMap | None:
    """Return the repair of the best map; None where it is of some rows, and nothing tells of which."""
    odds = None
    if best.share < 1.0 and best.apart is None:
        odds = odds_of(case, rows, best.column, best.conversion)
        if odds is None:
            return None
    return FeatureMap(
        id=incident.named(".map"),
        feature=best.column,
        scale=best.conversion.scale,
        offset=best.conversion.offset,
        label=best.conversion.label,
        apart=best.apart,
        odds=odds,
    )


def odds_of(case: Case, rows: Records, column: str, conversion: Conversion) -> Odds | None:
    """Return what tells the rows that a map brings nearer to the centre of healthy ones; None where nothing does."""
    healthy, seen = as_seen(latest(case.healthy), case.maps), as_seen(rows, case.maps)
    joint = joint_about(case.schema, healthy, (column,))
    if joint is None:
        return None
    j = joint.names.index(column)
    own, centre, scale = float(joint.precision[j, j]), float(joint.centre[j]), float(joint.scale[j])
    says = ties(joint, (j,), 2 * joint.precision[j] / scale)
    odds = Odds(base=-2 * own * centre / scale**2, level=own / scale**2, ties=says)
    x = seen[column]
    hit = likelier(odds, x, conversion.scale * x + conversion.offset, seen)
    return replace(odds, share=float(hit.mean())) if hit.any() else None
