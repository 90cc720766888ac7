"""Which maps of which columns make rows likelier: tried on all rows, on those out of range, or on a share of them."""

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.conversions import CATALOGUE, Conversion
from setpoint.domain.feature_map import Apart
from setpoint.domain.records import Columns
from setpoint.domain.schema import Feature, Schema
from setpoint.domain.value import replace, value
from setpoint.maintain.affine import FITTED, affine_maps
from setpoint.maintain.joint import Joint, fit_joint, mixed
from setpoint.maintain.loss import Floats, independent_rows

FEWEST = 6
NEWEST = 5  # rows of which most must still need the map
UNLIKE = 6.0  # nats a row by which the raw rows must fall below the worst healthy stretch of as many rows
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the rows that may be sent so where no range tells which
SHOWS = 2.0  # nats by which a few rows at least must be likelier for that
RARE, FITS, PARTLY = 4.0, 6.0, 4.0  # nats: what a rare conversion, a fitted one, and one of some rows only cost
FEW, MOST = 0.05, 0.95  # share of rows out of range between which only some are sent so
ROUNDED = 1e-9  # of the range
OUTSIDE = 2.0  # nats for each independent mapped row outside the widened range of the reference
WIDER = 0.1  # of that range
AROUND = 3  # rows about the onset in which the step must show
JUMPS = 0.02  # share of steps that healthy rows do not make, where only some rows come so: ten times the natural one
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
        best = max(
            (mixed(gain, s) for s in SHARES), key=lambda m: np.cumsum(m[::-1])[FEWEST - 1 :].max(initial=-np.inf)
        )
        yield _Sent(hit=gain > 0, gain=best, cost=PARTLY + np.log(len(SHARES)))


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
