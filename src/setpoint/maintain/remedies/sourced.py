"""A column that is not what its source says, repaired so that answers come nearest to those that the source gives."""

from collections.abc import Iterator, Mapping

import numpy as np

from setpoint.domain.contract import fits
from setpoint.domain.feature_map import FeatureMap, Instead, Sign, words
from setpoint.domain.incident import Incident, Repair
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Feature, Kind, Task
from setpoint.domain.unfit import unfit
from setpoint.domain.value import replace
from setpoint.errors import ModelFailed
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.loss import Floats, Mean, interval_words, losses, mean_of
from setpoint.maintain.remedies.impute import learnt, peers_of
from setpoint.maintain.remedies.proof import repair_of, repairable
from setpoint.maintain.remedies.rounded import rounded
from setpoint.maintain.signs import held_value, share_shown

FEWEST = 24  # records whose source was asked
HELD = 0.5  # share of the values that differ which one value must have to be the sign of them
ERROR = 0.05  # of the interval of the best choice: each of several gets its part

Choices = Mapping[str, FeatureMap]


def sourced_repair(
    incident: Incident, case: Case, column: str, score: Score, tries: int = 0
) -> tuple[Repair | None, str]:
    """Return the repair of a column that brings answers surely nearer to those with the values of the source.

    It is proven without outcomes: on records whose source was asked, the answers with its values are what would have
    been said. The nearest of what can stand in the place of the column is chosen; what is fitted to the records is
    judged on those that it was not fitted to, and each choice has its part of the error.

    Parameters
    ----------
    tries : int
        How often it was tried before for the incident: each time has half of the error of the one before, so that all
        together err no more often than in 5 % (one-sided).

    Returns
    -------
    repair : Repair or None
        None where none is surely nearer than what was sent.
    why : str
        What there is to say of that, else an empty text.
    """
    features = repairable(case, [column])
    if features is None or case.sourced is None or case.schema.task is Task.MULTICLASS:
        return None, ""
    rows, source = case.sourced
    if column not in source:
        return None, ""
    usable = fits(features[0], source[column])
    if usable.sum() < FEWEST:
        why = f"the source has a value of {column} that the model can be asked with for {usable.sum()} records"
        return None, f"{why} of {len(rows)}, and {FEWEST} are needed: nothing is put in its place"
    error = ERROR / 2**tries
    try:
        return _nearest(incident, case, features[0], rows.take(usable), source[column][usable], score, error), ""
    except ModelFailed as e:
        return None, f"{e}: nothing is put in the place of {column}"


def _nearest(
    incident: Incident, case: Case, feature: Feature, rows: Records, source: Column, score: Score, error: float
) -> Repair | None:
    seen, task = as_seen(rows, case.maps), case.schema.task

    def answers(inputs: Columns) -> Column:
        try:
            return score(case.champion.version, inputs)[case.schema.score]
        except Exception as e:  # a model is not our code
            failed = f"{case.champion.version} failed on the audited records ({type(e).__name__})"
        raise ModelFailed(failed)

    def lost(part: Records, repair: FeatureMap, meant: Column) -> Floats:
        return losses(answers(repaired(as_seen(part, case.maps), [repair])), meant, task)

    meant = answers({**seen, feature.name: source})
    off = losses(answers(seen), meant, task)
    choices = _choices(incident, feature, case, rows, source)
    halves = [np.arange(len(rows)) % 2 == k for k in (0, 1)]
    of_halves = [_choices(incident, feature, case, rows, source, half) for half in halves]
    tried = [name for name in choices if all(name in of_half for of_half in of_halves)]
    best: tuple[Mean, float, FeatureMap] | None = None
    for name in tried:
        left = np.empty(len(rows))
        for half, of_half in zip(halves, of_halves, strict=True):
            left[~half] = lost(rows.take(~half), of_half[name], meant[~half])
        gain = mean_of(off - left, 1 - error / len(tried))
        if gain.low > 0 and (best is None or gain.mean > best[0].mean):
            best = gain, float(left.mean()), choices[name]
    if best is None:
        return None
    gain, left_over, repair = best
    proof = (
        f"answers are {off.mean():.4g} from those with the values of the source, {left_over:.4g} with {words(repair)}, "
        f"on {len(rows)} records; gain {gain.mean:.4g}, "
        f"{interval_words(gain, level=1 - error)} as the best of {len(tried)}"
    )
    return replace(repair_of(incident, repair), proof=proof)


def _choices(
    incident: Incident, feature: Feature, case: Case, rows: Records, source: Column, fitted: Column | None = None
) -> Choices:
    """Return by name what can be done with a column; with `fitted`, what only these records say."""
    named = _named_choices(feature, case, rows, source, np.ones(len(rows), bool) if fitted is None else fitted)
    made = {name: replace(choice, id=incident.named(f".{choice.kind}")) for name, choice in named}
    return {name: choice for name, choice in made.items() if not unfit(choice, case.schema)}


def _named_choices(
    feature: Feature, case: Case, rows: Records, source: Column, fitted: Column
) -> Iterator[tuple[str, FeatureMap]]:
    """Yield what can be done with a column: a line from what is sent, and something else in its place.

    That stands everywhere, or only at the value that most of those that differ have.
    """
    sent = rows.inputs[feature.name]
    differ = np.array([a != b for a, b in zip(sent.tolist(), source.tolist(), strict=True)])
    if (line := _line(feature.name, sent[fitted], source[fitted])) is not None:
        yield "line", line
    yield from _cut_down(feature, case, rows, sent[fitted], source[fitted])
    value = held_value(sent[differ])
    stands = value is not None and float((sent[differ] == value).mean()) > HELD
    standing = {"learnt": learnt(feature, case, rows), "nothing": Instead(), "usual": _usual(source[fitted])}
    for name, instead in standing.items():
        if instead is None:
            continue
        if stands:
            share = share_shown(Sign.HELD, case, rows, feature.name, value)
            at = replace(instead, held=value, sign=Sign.HELD, share=share)
            yield f"{name} at {value}", FeatureMap(id="", feature=feature.name, instead=at)
        share = share_shown(Sign.UNLIKE, case, rows, feature.name)
        always = replace(instead, everywhere=True, sign=Sign.UNLIKE, share=share)
        yield name, FeatureMap(id="", feature=feature.name, instead=always)


def _cut_down(
    feature: Feature, case: Case, rows: Records, sent: Column, source: Column
) -> Iterator[tuple[str, FeatureMap]]:
    """Yield what can stand for the values to which a number is cut down: usual ones, and what other columns say."""
    if feature.kind is not Kind.NUMERIC:
        return
    healthy = as_seen(latest(case.healthy), case.maps)
    otherwise = None if feature.nullable else float(np.nanmedian(healthy[feature.name]))
    for name, peers in (("steps", []), ("steps by others", peers_of(feature, case, healthy, as_seen(rows, case.maps)))):
        steps = rounded(feature.name, healthy, sent, source, peers, otherwise)
        if steps is not None:
            yield name, FeatureMap(id="", feature=feature.name, instead=steps)


def _usual(source: Column) -> Instead | None:
    if source.dtype == object:
        commonest = held_value(source)
        return None if commonest is None else Instead(constant=commonest)
    known = source[np.isfinite(source)]
    return Instead(constant=float(np.median(known))) if len(known) else None


def _line(name: str, sent: Column, source: Column) -> FeatureMap | None:
    """Return the line that leads from what is sent to what was meant, by least squares."""
    if sent.dtype == object:
        return None
    known = np.isfinite(sent) & np.isfinite(source)
    if known.sum() < FEWEST // 2 or np.ptp(sent[known]) == 0:
        return None
    offset, scale = np.polynomial.Polynomial.fit(sent[known], source[known], 1).convert(domain=[-1, 1]).coef
    return FeatureMap(id="", feature=name, scale=float(scale), offset=float(offset))
