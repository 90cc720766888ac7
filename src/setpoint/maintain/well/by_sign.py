"""Columns repaired otherwise than by a map of every value: well when rows no longer show what the fault showed by."""

from math import log

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Sign
from setpoint.domain.records import Columns, Records
from setpoint.domain.repaired import hit_rows
from setpoint.domain.schema import Schema
from setpoint.maintain.case import latest
from setpoint.maintain.signs import Bools, shown
from setpoint.maintain.well.evidence import TWICE, WELL, seemed_well, worth

STRETCHES = tuple(12 * 2**k for k in range(13))  # newest rows of which one must show it: 12 to 49,152
SUREST = 0.99  # share of rows that a fault may be said to hit: a single good row is no proof that it is over
STRANGE = 0.25  # share of values unlike healthy ones with which a column is not well
LEAST = 0.02  # by which the fault must have raised the share of rows that show it
WORDS = {
    Sign.MISSING: "is missing",
    Sign.HELD: "stands at one value",
    Sign.UNSEEN: "holds an unknown level",
    Sign.UNLIKE: "is unlike what the other columns let expect",
}


def well_by_sign(repair: FeatureMap, healthy: Columns, recent: Records, schema: Schema) -> tuple[bool, str]:
    """Judge by the share of rows that show the sign: as on healthy rows, or as the repair says of the fault.

    A sequential probability ratio of two binomials over the newest rows, of which no more than one in six counts. Where
    the fault showed hardly more often than on healthy rows nothing is ever told. Where it has come and gone, the newest
    rows must say twice as much as rows did that were followed by the fault again. What comes must be values like
    healthy ones: nulls that turn into a placeholder are another fault.

    References
    ----------
    Wald, "Sequential tests of statistical hypotheses", Annals of Mathematical Statistics 16 (1945).
    """
    says, share = _sign(repair)
    newest, name = latest(recent, STRETCHES[-1]), repair.feature
    natural = _marked(repair, healthy, healthy, schema)
    usual = (float(natural.sum()) + 0.5) / (len(natural) + 1)
    fault = min(share, SUREST)
    marks = _marked(repair, healthy, newest.inputs, schema)
    if fault < usual + LEAST:
        return (
            False,
            f"{name} {says} no more often under the fault than without it, so nothing tells its end",
        )
    gain = np.array([log((1 - usual) / (1 - fault)), log(usual / fault)])[marks.astype(np.int64)]
    reach = [k for k in STRETCHES if k <= len(newest)] or [len(newest)]
    nats, rows = max((float(gain[-k:].mean()) * worth(gain[-k:]), k) for k in reach)
    need = max(WELL, TWICE * seemed_well(gain))
    words = (
        f"{name} {says} in {marks[-rows:].mean():.1%} of the newest {rows} records, in {usual:.1%} of healthy "
        f"ones, in {share:.0%} under the fault: {nats:+.1f} nats for being well (lifted from {need:.1f})"
    )
    last = latest(newest, rows)
    strange = float(shown(Sign.UNLIKE, healthy, last.inputs, name, schema).mean())
    if nats >= need and strange > STRANGE:
        return False, f"{words}; but {strange:.0%} of its values are unlike those of healthy records"
    return nats >= need, words


def _sign(repair: FeatureMap) -> tuple[str, float]:
    """Return in words what a repair is seen by, and the share of rows under the fault that showed it."""
    if repair.odds is not None:
        done = "mapped" if repair.swap is None else f"exchanged with {repair.swap}"
        return f"is likelier {done}", repair.odds.share
    if repair.apart is not None:
        return "lies outside its healthy range", repair.apart.share
    if repair.levels is not None:
        return WORDS[Sign.UNSEEN], repair.levels.share
    assert repair.instead is not None
    return WORDS[repair.instead.sign], repair.instead.share


def _marked(repair: FeatureMap, healthy: Columns, sent: Columns, schema: Schema) -> Bools:
    """Return which rows show the sign of a repair, shape (n,)."""
    name, instead = repair.feature, repair.instead
    if repair.partly:
        return hit_rows(repair, sent)
    if instead is None:
        return shown(Sign.UNSEEN, healthy, sent, name, schema)
    if instead.steps:
        return np.asarray(np.any([sent[name] == s.held for s in instead.steps], axis=0), bool)
    return shown(instead.sign, healthy, sent, name, schema, instead.held)
