"""The counterfactual check of a repair at the door: the same rows, scored with and without it."""

from collections.abc import Iterable

from setpoint.domain.feature_map import FeatureMap, words
from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.domain.records import Columns, Records
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Feature
from setpoint.domain.unfit import unfit
from setpoint.domain.value import replace, value
from setpoint.maintain.case import Case, Score, as_seen
from setpoint.maintain.loss import Mean, answer_losses, distance, interval_words, loss_name, mean_of

FEWEST = 6  # labelled rows from which the loss is the proof
DOUBLED = 2.0  # times the loss: harm, however few independent rows show it
FURTHER = 0.1  # a repair that moves the predictions this much further from healthy ones (KS) does harm


@value
class Proven:
    """A repair with its proof. `gain` is by how much it lowers the loss per record; None without labels."""

    repair: Repair
    harms: bool
    gain: Mean | None = None

    @property
    def helps(self) -> bool:
        """Whether it does no harm, and with labels some good."""
        return not self.harms and (self.gain is None or self.gain.mean > 0)


def repairable(case: Case, columns: Iterable[str]) -> list[Feature] | None:
    """Return the features, or None where one is sensitive or repaired already: no value of it may be stored."""
    features = {f.name: f for f in case.schema.features}
    taken = {name for m in case.maps for name in m.changes}
    found = [features[name] for name in columns]
    return None if any(f.sensitive or f.name in taken for f in found) else found


def proven(incident: Incident, case: Case, score: Score, rows: Records, feature_map: FeatureMap) -> Proven:
    """Score rows without and with a repair.

    With six labelled rows or more it is judged by their losses, else by how far the predictions are from healthy ones.

    Parameters
    ----------
    rows : Records
        Those since the fault began.
    """
    labelled, repair = rows.labelled, repair_of(incident, feature_map)
    if len(labelled) >= FEWEST:
        return _by_loss(case, score, labelled, repair, feature_map)
    output, healthy = case.schema.score, case.healthy.score
    off, off_mapped = (distance(s[output], healthy) for s in rescored(case, score, rows, feature_map))
    moved = f"distance of the predictions from healthy ones {off:.2f} → {off_mapped:.2f} on {len(rows)}"
    proof = f"{moved} re-scored records with {words(feature_map)}"
    return Proven(repair=replace(repair, proof=proof), harms=off_mapped > off + FURTHER)


def fitting(incident: Incident, case: Case, score: Score, rows: Records, feature_map: FeatureMap) -> Proven | None:
    """Return the proof of a repair that can stand before the model; None where it cannot."""
    if not len(rows) or unfit(feature_map, case.schema):
        return None
    return proven(incident, case, score, rows, feature_map)


def rescored(case: Case, score: Score, rows: Records, feature_map: FeatureMap) -> tuple[Columns, Columns]:
    """Return what the champion answers to the rows without and with the repair."""
    seen: Columns = as_seen(rows, case.maps)
    version = case.champion.version
    return score(version, seen), score(version, repaired(seen, [feature_map]))


def repair_of(incident: Incident, feature_map: FeatureMap) -> Repair:
    """Return a repair at the door, not yet proven."""
    remedy = Remedy(feature_map.kind)
    subject = ", ".join(feature_map.changes)
    return Repair(id=incident.named(f"-{remedy}"), remedy=remedy, subject=subject, map=feature_map)


def _by_loss(case: Case, score: Score, labelled: Records, repair: Repair, feature_map: FeatureMap) -> Proven:
    answers = rescored(case, score, labelled, feature_map)
    before, after = (answer_losses(given, labelled.truth, case.schema) for given in answers)
    gain = mean_of(before - after)
    losses = f"{loss_name(case.schema)} {before.mean():.4g} → {after.mean():.4g} on {len(labelled)}"
    proof = f"{losses} re-scored records with {words(feature_map)}; gain {gain.mean:.4g}, {interval_words(gain)}"
    shown = replace(repair, proof=proof, loss_before=float(before.mean()), loss_expected=float(after.mean()))
    return Proven(repair=shown, harms=gain.high < 0 or after.mean() > DOUBLED * before.mean(), gain=gain)
