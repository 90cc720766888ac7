"""What could have been regained: the loss of an oracle that knows the fault, and no outcome before its time.

- `unit`, `renamed`, `swapped`: the inverse is known, so the champion answers as without the fault.
- `release`, `exception`: the version before it answers.
- `null`, `frozen`, `skew`: rows that are hit are answered by a model like the champion, fitted on rows from before the
  fault in which every value is lost in the same way.
- `concept`: each day whatever lost least on the outcomes that became known last: the champion, or a model fitted
  on the rows since the change, on those with the champion's answer beside them, or on all rows.

The others cost no quality that a remedy could bring back.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
from plan import BEGINS
from sets import START
from sklearn.base import clone

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import moment, stamp
from setpoint.domain.traffic import Traffic
from setpoint.faults import plant
from setpoint.stats.losses import losses

LOST = (Cause.NULL, Cause.FROZEN, Cause.SKEW)
KNOWN = (Cause.UNIT, Cause.RENAMED, Cause.SWAPPED, Cause.RELEASE, Cause.EXCEPTION)
BESIDE = (Cause.OUTCOMES, Cause.OVERLOAD, Cause.CRASH)  # cost no quality by themselves
DAY = np.timedelta64(24, "h")
REFITTED = 2  # of ten seeds: a refit a day costs more than the trial
FEWEST = 50  # rows since the change from which a model is fitted on them


def attainable(lab, faults, faulty, champion, within) -> float | None:
    """Return the mean loss of the oracle on the rows `within`, shape (n,); None where none is told.

    Of a concept it is known for two of ten seeds.

    `champion` turns columns into the scores of the first version.
    """
    kinds = {f.kind for f in faults} - set(BESIDE)
    if not kinds or not kinds <= {*LOST, *KNOWN, Cause.CONCEPT} or (Cause.CONCEPT in kinds and len(kinds) > 1):
        return None
    if Cause.CONCEPT in kinds and lab.seed % 10 >= REFITTED:
        return None
    kept = tuple(f.words for f in faults)  # it is the same whatever the policy
    if kept not in lab.best:
        best = (
            _repaired(lab, faults, faulty, champion) if Cause.CONCEPT not in kinds else _refitted(lab, faulty, champion)
        )
        lab.best[kept] = float(losses(lab.schema.task, best, faulty.truth)[within].mean())
    return lab.best[kept]


@dataclass(frozen=True)
class Fit:
    """A model like the champion; `beside` is what gives it another version's answer as a column."""

    model: object
    names: tuple[str, ...]
    beside: object = None

    def __call__(self, inputs):
        x = _frame(inputs, self.names, self.beside)
        return self.model.predict_proba(x)[:, 1] if hasattr(self.model, "predict_proba") else self.model.predict(x)


def _frame(inputs, names, beside):
    x = pd.DataFrame({n: inputs[n] for n in names})
    return x if beside is None else x.assign(answered=beside(inputs))


def _fit(lab, inputs, outcome, beside=None):
    names = tuple(n for n in lab.schema.names if inputs[n].dtype == object or np.isfinite(inputs[n]).any())
    return Fit(clone(lab.fitted[0]).fit(_frame(inputs, names, beside), outcome), names, beside)


def _past(lab) -> Traffic:
    """Return the rows that the champion learnt, and those of the traffic whose outcomes were known at the fault."""
    table = pd.read_parquet(lab.data.folder / "project" / "reference.parquet")
    rows = lab.traffic.take(lab.traffic.known < stamp(BEGINS))
    inputs = {n: np.concatenate([table[n].to_numpy(c.dtype), c]) for n, c in rows.inputs.items()}
    outcome = np.concatenate([table[lab.schema.target].to_numpy(float), rows.outcome])
    time = START + np.arange(-len(table), len(rows)) * np.timedelta64(1, "s")
    return Traffic(time=time, id=time.astype(str).astype(object), inputs=inputs, outcome=outcome, known=time)


def _repaired(lab, faults: tuple[Fault, ...], faulty, champion):
    """Return the scores of the champion, and where values are lost those of a model that never had them."""
    lost, clean = [f for f in faults if f.kind in LOST], lab.traffic.inputs
    columns = {name: faulty.traffic.inputs[name] for f in lost for name in f.columns}
    hit = np.any([[a is not b and a != b for a, b in zip(c.tolist(), clean[n].tolist(), strict=True)]
                  for n, c in columns.items()], axis=0) if lost else np.zeros(len(lab.traffic), bool)  # fmt: skip
    score = champion(clean)
    if not hit.any():
        return score
    past = _past(lab)
    ever = [replace(f, since=moment(past.time[0]) - timedelta(days=1), until=None, strength=1.0, ramp_s=0.0)
            for f in lost]  # fmt: skip
    past = plant(ever, past, lab.schema, seed=0).traffic
    without = _fit(lab, past.inputs, past.outcome)
    return np.where(hit, without({**clean, **columns}), score)


def _refitted(lab, faulty, champion):
    """Return the scores of the best refit of each day."""
    t, past = faulty.traffic, _past(lab)
    score, begin, until = champion(t.inputs), stamp(BEGINS), t.time[-1]
    models, best = {"champion": champion}, "champion"
    for now in np.arange(begin, until, DAY):
        known = (t.time >= begin) & (t.known < now) & np.isfinite(t.outcome)
        newest = known & (t.known >= now - DAY)
        if newest.any():
            lost = {n: losses(lab.schema.task, _of(m, t, newest), t.outcome[newest]).mean() for n, m in models.items()}
            best = min(lost, key=lost.get)
        if known.sum() >= FEWEST and len(np.unique(t.outcome[known])) > 1:
            models = {"champion": champion, **_refits(lab, t.take(known), past, champion)}
        part = (t.time >= now) & (t.time < now + DAY)
        score[part] = _of(models[best], t, part)
    return score


def _of(model, traffic: Traffic, rows):
    return model({n: c[rows] for n, c in traffic.inputs.items()})


def _refits(lab, since: Traffic, past: Traffic, champion):
    every = {n: np.concatenate([past.inputs[n], c]) for n, c in since.inputs.items()}
    return {
        "since": _fit(lab, since.inputs, since.outcome),
        "beside": _fit(lab, since.inputs, since.outcome, champion),
        "all": _fit(lab, every, np.concatenate([past.outcome, since.outcome])),
    }
