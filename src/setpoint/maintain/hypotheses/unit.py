"""One numeric column is sent in another unit: some map turns it into what healthy rows look like, given the others."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.conversions import CATALOGUE, Conversion
from setpoint.domain.feature_map import Apart, FeatureMap, formula
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.odds import Odds, likelier
from setpoint.domain.records import Columns, Records, moment
from setpoint.domain.repaired import outside as outside_range
from setpoint.domain.schema import Feature, Schema
from setpoint.domain.value import replace, value
from setpoint.maintain.affine import FITTED, affine_maps
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.loss import Floats, independent_rows
from setpoint.maintain.remedies import proven
from setpoint.maintain.remedies.about import joint_about, ties
from setpoint.maintain.stretch import Stretch, stretch_of

SURE = 30.0  # nats; more would only be trust in the density's own tail
FEWEST = 6
NEWEST = 5  # rows of which most must still need the map
UNLIKE = 6.0  # nats a row by which the raw rows must fall below the worst healthy stretch of as many rows
LIKE = 2.0  # nats a row by which mapped rows may fall below the worst healthy stretch of as many rows
LEAST = 6.0  # nats before a map may be applied
UNUSUAL_LIKE = 0.1  # quantile of healthy stretches that rows must reach with a rare or a fitted map
CLEAR = 2.2  # nats by which the best map must beat every map that means something else
PLAIN = 1.0  # and those that are left of them without what rare maps cost
NARROW, GROWS = 0.3, 5.0  # times the least spread of healthy rows, and the scale that makes up for it
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the rows that may be sent so where no range tells which
SHOWS = 2.0  # nats by which a few rows at least must be likelier for that
SAME = 0.25  # healthy standard deviations: maps closer than this mean the same
RARE, FITS, PARTLY = 4.0, 6.0, 4.0  # nats: what a rare conversion, a fitted one, and one of some rows only cost
FEW, MOST = 0.05, 0.95  # share of rows out of range between which only some are sent so
ROUNDED = 1e-9  # of the range
NAMED = 0.8  # share of the likeliest map's evidence with which a conversion that has a name is believed
OUTSIDE = 2.0  # nats for each independent mapped row outside the widened range of the reference
WIDER = 0.1  # of that range
AROUND = 3  # rows about the onset in which the step must show
JUMPS = 0.02  # share of steps that healthy rows do not make, where only some rows come so: ten times the natural one
SHOWN = 3
TAIL = 0.05  # of the rows, either way


@value
class Candidate:
    """One map of one column, and how much likelier it makes the rows since `onset` (an index) than they came.

    `ratio` is the log likelihood ratio over the independent rows among them (nats), `cost` what was taken off it as the
    map is unusual. With `share` below 1 only some rows are sent so: those outside the range of the reference, `apart`,
    or those that the map makes likelier.
    """

    column: str
    conversion: Conversion
    apart: Apart | None
    share: float
    onset: int
    ratio: float
    cost: float
    raw: float  # mean log density of the rows since then as they came
    mapped: float  # and with the map
    stepped: bool  # the column jumped at the onset
    still: bool  # the newest rows need it


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
    explanations = [explained(incident, case, score, joint, stretch, maps) for joint, maps in best[:SHOWN]]
    return explained_away(explanations, [maps[0].ratio for _, maps in best])


def explained_away(found: list[Explanation], ratios: list[float]) -> list[Explanation]:
    """Return explanations by other columns as what is left of them where the first makes all rows healthy again.

    Of two columns that follow each other either may have changed its unit: the one that the rows fit better.
    """
    if not found or found[0].support <= 0:
        return found
    gaps = [min(ratios[0] - ratio, SURE) for ratio in ratios]
    return [replace(f, support=min(f.support, SURE - gap)) for f, gap in zip(found, gaps, strict=False)]


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
        for conversion in (*CATALOGUE, *fitted):
            wanted = joint.mapped(z, j, conversion.scale, conversion.offset)
            mapped = rows.density_with({j: wanted})
            moved = np.abs(wanted - z[:, j]) > ROUNDED  # a zero is one in any unit, and says nothing
            gain = np.where(moved, mapped - raw + np.log(conversion.scale), 0.0)
            for sent in _ways(gain, strange, conversion):
                since = np.cumsum(sent.gain[::-1])[::-1]
                until = since[: 1 - FEWEST]
                onset = int(np.flatnonzero(until == until.max())[-1])  # a row that shows it, not one before
                share = 1.0 if sent.everywhere else float(sent.hit[onset:].mean())
                if since[onset] <= 0 or not (sent.everywhere or FEW < share < MOST):
                    continue
                if sent.mixed and float(gain[onset:][sent.hit[onset:]].mean()) < UNLIKE:
                    continue  # that rows lie low in a column is natural; that they are at odds with the others is not
                independent = independent_rows(clipped(raw[onset:]))
                cost = RARE * conversion.rare + FITS * (conversion.label == FITTED) + sent.cost
                ends = z[onset:, j][sent.hit[onset:]]
                far = OUTSIDE * independent * share * outside(joint, ends, j, conversion, ranges[name])
                newest = ceil(NEWEST / share)
                yield Candidate(
                    column=name,
                    conversion=conversion,
                    apart=spared(ranges[name], share) if sent.apart else None,
                    share=share,
                    onset=onset,
                    ratio=float(sent.gain[onset:].mean()) * independent - far - cost,
                    cost=cost,
                    raw=float(raw[onset:].mean()),
                    mapped=float(np.where(sent.hit, mapped, raw)[onset:].mean()),
                    stepped=(stepped if sent.everywhere else stepping)(joint, z[:, j], j, onset),
                    still=bool((sent.hit & (sent.gain > 0))[-newest:].mean() > share / 2),
                )


@value
class _Sent:
    """Which rows come in the other unit, and how much likelier the map makes each row (nats), shape (n,)."""

    hit: NDArray[np.bool_]
    gain: Floats
    cost: float = 0.0
    everywhere: bool = False
    apart: bool = False

    @property
    def mixed(self) -> bool:
        return not (self.everywhere or self.apart)


def _ways(gain: Floats, strange: NDArray[np.bool_] | None, conversion: Conversion) -> Iterator[_Sent]:
    """Yield who may send a column in another unit: all; those outside its range; or a share of the rows, whichever.

    Of the last it is not known which they are: each row is a mixture of both.
    """
    yield _Sent(hit=np.ones(len(gain), bool), gain=gain, everywhere=True)
    if conversion.label == FITTED:
        return
    if strange is not None and strange.any():
        yield _Sent(hit=strange, gain=np.where(strange, gain, 0.0), cost=PARTLY, apart=True)
    if not conversion.rare and np.count_nonzero(gain > SHOWS) >= FEWEST:
        mixed = [np.logaddexp(np.log(1 - s), np.log(s) + gain) for s in SHARES]
        best = max(mixed, key=lambda m: np.cumsum(m[::-1])[FEWEST - 1 :].max(initial=-np.inf))
        yield _Sent(hit=gain > 0, gain=best, cost=PARTLY + np.log(len(SHARES)))


def is_narrow(stretch: Stretch, best: Candidate) -> bool:
    """Whether a column spreads far less than in any healthy stretch of as many rows, and the map makes up for it."""
    known, seen = stretch.known[best.column], stretch.seen[best.column][best.onset :]
    parts = np.array_split(known[~np.isnan(known)], max(len(known) // len(seen), 1))
    spread = clipped(seen[~np.isnan(seen)]).std()
    return bool(best.conversion.scale >= GROWS and spread < NARROW * min(clipped(part).std() for part in parts))


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


def stepping(joint: Joint, z: Floats, column: int, onset: int) -> bool:
    """Whether the column jumps again and again, as it does where some rows come in another unit."""
    steps = np.abs(np.diff(z[max(0, onset - 1) :]))
    return not len(steps) or float((steps > joint.jumps[column]).mean()) > JUMPS


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
    support = min(best.ratio, SURE) if sure else min(best.ratio, 0.0) - 1.0
    return Explanation(
        cause=Cause.UNIT,
        subject=best.column,
        support=support,
        evidence=tuple(words),
        repair=proof.repair
        if proof is not None and sure and clear and best.still and not proof.harms and best.ratio >= LEAST
        else None,
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
