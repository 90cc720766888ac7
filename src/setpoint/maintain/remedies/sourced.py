"""A column that is not what its source says, repaired so that answers come nearest to those that the source gives."""

from collections.abc import Iterator

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Instead, Sign, unfit, words
from setpoint.domain.incident import Incident, Repair
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Feature, Task
from setpoint.domain.value import replace
from setpoint.maintain.case import Case, Score, as_seen
from setpoint.maintain.loss import Mean, losses, mean_of
from setpoint.maintain.remedies.impute import learnt
from setpoint.maintain.remedies.proof import repair_of, repairable
from setpoint.maintain.signs import held_value, share_shown

FEWEST = 24  # records whose source was asked
HELD = 0.5  # share of the values that differ which one value must have to be the sign of them


def sourced_repair(incident: Incident, case: Case, column: str, score: Score) -> Repair | None:
    """Return the repair of a column that brings answers surely nearer to those with the values of the source.

    It is proven without outcomes: on records whose source was asked, the answers with its values are what would have
    been said. The nearest of what can stand in the place of the column is chosen; None where none is surely nearer
    than what was sent.
    """
    features = repairable(case, [column])
    if features is None or case.sourced is None or case.schema.task is Task.MULTICLASS:
        return None
    rows, source = case.sourced
    if column not in source or len(rows) < FEWEST:
        return None
    seen = as_seen(rows, case.maps)

    def answers(inputs: Columns) -> Column:
        return score(case.champion.version, inputs)[case.schema.score]

    meant = answers({**seen, column: source[column]})
    off = losses(answers(seen), meant, case.schema.task)
    best: tuple[Mean, float, FeatureMap] | None = None
    for choice in _choices(features[0], case, rows, source[column]):
        repair = replace(choice, id=incident.named(f".{choice.kind}"))
        if unfit(repair, case.schema):
            continue
        left = losses(answers(repaired(seen, [repair])), meant, case.schema.task)
        gain = mean_of(off - left)
        if gain.low > 0 and (best is None or gain.mean > best[0].mean):
            best = gain, float(left.mean()), repair
    if best is None:
        return None
    gain, left_over, repair = best
    proof = (
        f"answers are {off.mean():.4g} from those with the values of the source, {left_over:.4g} with {words(repair)}, "
        f"on {len(rows)} records; gain {gain.mean:.4g}, 95 % interval {gain.low:.4g} to {gain.high:.4g}"
    )
    return replace(repair_of(incident, repair), proof=proof)


def _choices(feature: Feature, case: Case, rows: Records, source: Column) -> Iterator[FeatureMap]:
    """Yield what can be done with a column: a line from what is sent, and something else in its place.

    That stands everywhere, or only at the value that most of those that differ have.
    """
    sent = rows.inputs[feature.name]
    differ = np.array([a != b for a, b in zip(sent.tolist(), source.tolist(), strict=True)])
    if (line := _line(feature.name, sent, source)) is not None:
        yield line
    value = held_value(sent[differ])
    stands = value is not None and float((sent[differ] == value).mean()) > HELD
    usual = held_value(source) if sent.dtype == object else float(np.nanmedian(source))
    for instead in (learnt(feature, case, rows), Instead(), Instead(constant=usual)):
        if instead is None:
            continue
        if stands:
            share = share_shown(Sign.HELD, case, rows, feature.name, value)
            yield FeatureMap(
                id="", feature=feature.name, instead=replace(instead, held=value, sign=Sign.HELD, share=share)
            )
        share = share_shown(Sign.UNLIKE, case, rows, feature.name)
        yield FeatureMap(
            id="", feature=feature.name, instead=replace(instead, everywhere=True, sign=Sign.UNLIKE, share=share)
        )


def _line(name: str, sent: Column, source: Column) -> FeatureMap | None:
    """Return the line that leads from what is sent to what was meant, by least squares."""
    if sent.dtype == object:
        return None
    known = np.isfinite(sent) & np.isfinite(source)
    if known.sum() < FEWEST or np.ptp(sent[known]) == 0:
        return None
    offset, scale = np.polynomial.Polynomial.fit(sent[known], source[known], 1).convert(domain=[-1, 1]).coef
    return FeatureMap(id="", feature=name, scale=float(scale), offset=float(offset))
