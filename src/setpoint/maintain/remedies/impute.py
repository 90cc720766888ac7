"""Values that do not come, or are not to be trusted, put in their place: by the other columns, else a usual value."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Instead, Sign, words
from setpoint.domain.incident import Incident
from setpoint.domain.records import Columns, Records
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Feature, Kind, Task
from setpoint.domain.value import replace
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.loss import Floats, answer_losses, loss_name
from setpoint.maintain.remedies.proof import Proven, fitting, proven, repairable
from setpoint.maintain.remedies.ridge import fitted
from setpoint.maintain.signs import held_value, share_shown

LACKING = 0.2  # share of missing values with which a column tells nothing of another
CHECKED = 500  # healthy rows on which a repair is tried where none since the fault can be
FEWEST = 30  # healthy rows to learn from


def impute_repair(
    incident: Incident, case: Case, rows: Records, column: str, score: Score, sign: Sign = Sign.MISSING
) -> Proven | None:
    """Return the repair that imputes a column: where it is missing, at the value where it is held, or throughout.

    A number is a linear function of other numbers, fitted by ridge regression on healthy rows, where that foretells
    later healthy rows; a category its commonest level. Without such a function there is a repair only where the column
    may not be missing: its median is no better than a model's own handling of missing values.

    Where requests without the column are refused, no row shows the fault: then it is tried on healthy rows.
    """
    features = repairable(case, [column])
    if features is None or sign is Sign.UNSEEN:
        return None
    held = held_value(rows.inputs[column]) if sign is Sign.HELD else None
    standing = learnt(features[0], case, rows)
    if standing is None:
        return None
    share = share_shown(sign, case, rows, column, held) if len(rows) else 0.0
    instead = replace(standing, held=held, everywhere=sign is Sign.UNLIKE, sign=sign, share=share or 1.0)
    repair = FeatureMap(id=incident.named(".impute"), feature=column, instead=instead)
    if sign is Sign.MISSING and not share:
        return _on_healthy(incident, case, score, repair)
    return fitting(incident, case, score, rows, repair)


def learnt(feature: Feature, case: Case, rows: Records) -> Instead | None:
    """Return what healthy rows tell to put in the place of a value; None where that is of no use."""
    healthy = as_seen(latest(case.healthy), case.maps)
    if feature.kind is Kind.CATEGORICAL:
        known = Counter(v for v in healthy[feature.name].tolist() if v is not None)
        return None if feature.nullable or not known else Instead(constant=str(known.most_common(1)[0][0]))
    column = healthy[feature.name][~np.isnan(healthy[feature.name])]
    if len(column) < FEWEST:
        return None
    median = None if feature.nullable else float(np.median(column))
    fit = fitted(healthy, feature.name, peers_of(feature, case, healthy, as_seen(rows, case.maps)))
    if fit is None:
        return None if feature.nullable else Instead(constant=median)
    low, high = float(column.min()), float(column.max())
    return Instead(peers=fit.peers, base=fit.base, low=low, high=high, constant=median)


def peers_of(feature: Feature, case: Case, healthy: Columns, since: Columns) -> Sequence[str]:
    """Return the other numbers that come, and move, before and since the fault."""
    return [
        f.name
        for f in case.schema.features
        if f.kind is Kind.NUMERIC
        and f.name != feature.name
        and f.sensitive is None
        and all(_comes(values[f.name]) for values in (healthy, since))
    ]


def _comes(column: Floats) -> bool:
    missing = np.isnan(column)
    return bool(missing.mean() < LACKING and (len(column) < FEWEST or np.ptp(column[~missing]) > 0))


def _on_healthy(incident: Incident, case: Case, score: Score, repair: FeatureMap) -> Proven | None:
    """Prove an imputation on healthy rows without the column; it harms where answers are worth no more than none."""
    healthy = latest(case.healthy.labelled, CHECKED)
    if len(healthy) < FEWEST:
        return None
    seen = as_seen(healthy, case.maps)
    column = seen[repair.feature]
    lacking = np.full(len(column), None if column.dtype == object else np.nan, column.dtype)
    answers = [score(case.champion.version, s) for s in (seen, repaired({**seen, repair.feature: lacking}, [repair]))]
    before, after = (float(answer_losses(a, healthy.truth, case.schema).mean()) for a in answers)
    found = proven(incident, case, score, healthy, repair)
    proof = (
        f"requests without {repair.feature} are refused; answered with {words(repair)}, {loss_name(case.schema)} is "
        f"{after:.4g} on {len(healthy)} healthy records, and {before:.4g} with the column"
    )
    changed = replace(found.repair, proof=proof, loss_before=None, loss_expected=after)
    return Proven(repair=changed, harms=after > _blind_loss(healthy, case.schema.task))


def _blind_loss(rows: Records, task: Task) -> float:
    """Return the loss of one answer to all; infinite for several classes, of which there is none."""
    if task is Task.REGRESSION:
        return float(np.abs(rows.outcome - np.median(rows.outcome)).mean())
    return float(rows.outcome.var()) if task is Task.BINARY else float("inf")
