"""One numeric column is sent in another unit: some map turns it into what healthy rows look like, given the others."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.conversions import CATALOGUE, Conversion
from setpoint.domain.feature_map import Apart, FeatureMap, formula
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Columns, Records, moment
from setpoint.domain.schema import Feature, Schema
from setpoint.domain.value import replace, value
from setpoint.maintain.affine import FITTED, affine_maps
from setpoint.maintain.case import Case, Score, latest
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.loss import Floats, independent_rows
from setpoint.maintain.remedies import proven
from setpoint.maintain.stretch import stretch_of

SURE = 30.0  # nats; more would only be trust in the density's own tail
FEWEST = 6
NEWEST = 5  # rows of which most must still need the map
UNLIKE = 6.0  # nats a row by which the raw rows must fall below the worst healthy stretch of as many rows
LIKE = 2.0  # nats a row by which mapped rows may fall below the worst healthy stretch of as many rows
LEAST = 6.0  # nats before a map may be applied
UNUSUAL_LIKE = 0.1  # quantile of healthy stretches that rows must reach with a rare or a fitted map
CLEAR = 2.2  # nats by which the best map must beat every map that means something else
SAME = 0.25  # healthy standard deviations: maps closer than this mean the same
RARE, FITS, PARTLY = 4.0, 6.0, 4.0  # nats: what a rare conversion, a fitted one, and one of some rows only cost
FEW, MOST = 0.05, 0.95  # share of rows out of range between which only some are sent so
ROUNDED = 1e-9  # of the range
NAMED = 0.8  # share of the likeliest map's evidence with which a conversion that has a name is believed
OUTSIDE = 2.0  # nats for each independent mapped row outside the widened range of the reference
WIDER = 0.1  # of that range
AROUND = 3  # rows about the onset in which the step must show
SHOWN = 3
TAIL = 0.05  # of the rows, either way


@value
class Candidate:
    """One map of one column, and how much likelier it makes the rows since `onset` (an index) than they came.

    `ratio` is the log likelihood ratio over the independent rows among them (nats).
    """

    column: str
    conversion: Conversion
    apart: Apart | None  # only some rows are sent so: those outside this range
    onset: int
    ratio: float
    raw: float  # mean log density of the rows since then as they came
    mapped: float  # and with the map
    stepped: bool  # the column jumped at the onset
    still: bool  # the newest rows need it


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Try every map on every measured column; the best of each column is an explanation."""
    stretch = stretch_of(case)
    if stretch is None or len(case.suspect) < FEWEST:
        return ()
    rows, tail = stretch.rows, len(stretch.rows) - len(latest(case.suspect))
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
    return [explained(incident, case, score, joint, rows, maps) for joint, maps in best[:SHOWN]]


def joints(known: Columns, schema: Schema, lacking: set[str]) -> Iterator[tuple[Joint, set[str]]]:
    """Yield the density of the columns that come, for them, and where some do not that of all, for those."""
    coming = replace(schema, features=tuple(f for f in schema.features if f.name not in lacking))
    if (joint := fit_joint(known, coming)) is not None:
        yield joint, lacking
    if lacking and (joint := fit_joint(known, schema)) is not None:
        yield joint, set(coming.names)


def candidates(joint: Joint, z: Floats, tail: int, schema: Schema, skip: set[str]) -> Iterator[Candidate]:
    """Yield each map with the onset that makes it likeliest; the first `tail` rows are from before the incident."""
    rows = joint.turned(z)
    raw = joint.density_at(rows.length)
    ranges = {f.name: f for f in schema.features}
    for j, name in enumerate(joint.names):
        if name in skip:
            continue
        strange = beyond(joint, z[:, j], j, ranges[name])
        fitted = affine_maps(joint, z[tail:, j], rows.expected(j)[tail:], j)
        some = [] if strange is None or not strange.any() else [(c, strange) for c in CATALOGUE]
        for conversion, hit in (*((c, None) for c in (*CATALOGUE, *fitted)), *some):
            mapped = rows.density_with({j: joint.mapped(z, j, conversion.scale, conversion.offset)})
            gain = mapped - raw + np.log(conversion.scale)
            if hit is not None:
                mapped, gain = np.where(hit, mapped, raw), np.where(hit, gain, 0.0)
            since = np.cumsum(gain[::-1])[::-1]
            until = since[: 1 - FEWEST]
            onset = int(np.flatnonzero(until == until.max())[-1])  # a row that shows it, not one before
            share = 1.0 if hit is None else float(hit[onset:].mean())
            if since[onset] <= 0 or (hit is not None and not FEW < share < MOST):
                continue
            independent = independent_rows(clipped(raw[onset:]))
            cost = RARE * conversion.rare + FITS * (conversion.label == FITTED) + PARTLY * (hit is not None)
            ends = z[onset:, j] if hit is None else z[onset:, j][hit[onset:]]
            cost += OUTSIDE * independent * share * outside(joint, ends, j, conversion, ranges[name])
            newest = ceil(NEWEST / share)
            yield Candidate(
                column=name,
                conversion=conversion,
                apart=None if hit is None else spared(ranges[name], share),
                onset=onset,
                ratio=float(gain[onset:].mean()) * independent - cost,
                raw=float(raw[onset:].mean()),
                mapped=float(mapped[onset:].mean()),
                stepped=stepped(joint, z[:, j], j, onset),
                still=bool((gain[-newest:] > 0).mean() > share / 2),
            )


def clipped(density: Floats) -> Floats:
    """Return densities without their tails: a healthy row among them hides that those under a fault hang together."""
    low, high = np.quantile(density, (TAIL, 1 - TAIL))
    return np.clip(density, low, high)


def beyond(joint: Joint, z: Floats, column: int, feature: Feature) -> NDArray[np.bool_] | None:
    """Return which values lie outside the reference's range, shape (n,); None where that is not known."""
    if feature.low is None or feature.high is None:
        return None
    margin = ROUNDED * (feature.high - feature.low)
    raw = z * joint.scale[column] + joint.centre[column]
    return np.asarray((raw < feature.low - margin) | (raw > feature.high + margin))


def spared(feature: Feature, share: float) -> Apart:
    """Return the range of the reference, in which values are as they should be."""
    assert feature.low is not None
    assert feature.high is not None
    return Apart(low=float(feature.low), high=float(feature.high), share=share)


def outside(joint: Joint, z: Floats, column: int, conversion: Conversion, feature: Feature) -> float:
    """Return the share of mapped rows that lie outside the reference's range, somewhat widened."""
    if feature.low is None or feature.high is None:
        return 0.0
    mapped = conversion.scale * (z * joint.scale[column] + joint.centre[column]) + conversion.offset
    margin = WIDER * (feature.high - feature.low)
    return float(((mapped < feature.low - margin) | (mapped > feature.high + margin)).mean())


def stepped(joint: Joint, z: Floats, column: int, onset: int) -> bool:
    """Whether the column jumps at the onset as healthy rows do not: a unit changes between two rows."""
    near = z[max(0, onset - AROUND - 1) : onset + AROUND + 1]
    return len(near) < 2 or float(np.abs(np.diff(near)).max()) > joint.jumps[column]


def explained(
    incident: Incident, case: Case, score: Score, joint: Joint, rows: Records, maps: list[Candidate]
) -> Explanation:
    """Judge the best map of one column, and prove its repair by scoring again."""
    best = chosen(maps)
    worst = joint.floor(len(rows) - best.onset)
    unusual = best.conversion.rare or best.conversion.label == FITTED
    needed = joint.floor(len(rows) - best.onset, UNUSUAL_LIKE) if unusual else worst - LIKE
    unlike, like = best.raw < worst - UNLIKE, best.mapped > needed
    named = (c for c in maps if c.conversion.label != FITTED and near(c, best))
    rival = next((c for c in named if not same(joint, rows, best, c)), None)
    clear = rival is None or rival.ratio < best.ratio - CLEAR
    rule = written(best.conversion) + ("" if best.apart is None else f" in the {best.apart.share:.0%} out of range")
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
    proof = proven(incident, case, score, since, mended(incident, best))
    words.append(proof.repair.proof)
    if proof.harms:
        words.append("but the re-scored records are not better for it")
    sure = unlike and like and best.stepped
    support = min(best.ratio, SURE) if sure else min(best.ratio, 0.0) - 1.0
    return Explanation(
        cause=Cause.UNIT,
        subject=best.column,
        support=support,
        evidence=tuple(words),
        repair=proof.repair if sure and clear and best.still and not proof.harms and best.ratio >= LEAST else None,
    )


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
        x = x[(x < a.apart.low) | (x > a.apart.high)]
    if not len(x):
        return True
    apart = np.median(np.abs((a.conversion.scale - b.conversion.scale) * x + a.conversion.offset - b.conversion.offset))
    return bool(apart < SAME * joint.scale[joint.names.index(a.column)])


def mended(incident: Incident, best: Candidate) -> FeatureMap:
    """Return the repair of the best map."""
    return FeatureMap(
        id=incident.named(".map"),
        feature=best.column,
        scale=best.conversion.scale,
        offset=best.conversion.offset,
        label=best.conversion.label,
        apart=best.apart,
    )
