"""Two policies that are equal, on real streams: how often one of them is called better, or retraining worth it.

Equal by construction: both train anew at each era, on halves of the same rows drawn at random, and chance says who gets
which model. And harder: a policy that trains and one that never does, whose names are exchanged at random in each era;
who is ahead changes sides then, and the loss, the drift and the autocorrelation are those of the stream.
"""

import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from setpoint.domain.schema import Task
from setpoint.loop.replay.verdict import Answer, Race, judge
from setpoint.stats.losses import losses
from setpoint.stats.paired import mean_interval
from setpoint.stats.stretch import stretch_interval

sys.path.insert(0, str(Path(__file__).parents[1] / "update"))
from streams import REFERENCE, UNITS, streams

POOL = 4  # models of each era, of which two are drawn
RUNS = 500  # of each kind and stream
ERAS = (25, 5)
PLANTED = 0.02  # of the loss: twice what counts


def equal_policies(data):
    """Print and return how often each interval is wrong, in percent, by stream, kind and number of eras."""
    found = []
    for stream in streams(data):
        never, pools = trained(stream)
        for eras in ERAS:
            for kind, draw in (("equal", coin), ("exchanged", exchanged)):
                row = {"stream": stream.name, "kind": kind, "eras": eras, **wrong(never, pools[eras], draw)}
                found.append(row)
                print(" ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{v}" for k, v in row.items()), flush=True)
    return found


def trained(stream):
    """Return the losses of the first model, and of a pool of models in each era, shape (POOL, n_rows)."""
    start, rng = stream.row(REFERENCE), np.random.default_rng(0)
    never = fitted(stream, np.arange(start), 0)(start, len(stream.y))
    pools = {}
    for eras in ERAS:
        units = np.linspace(REFERENCE, UNITS, eras + 1)
        pools[eras] = []
        for first, last in pairwise(units):
            known = np.arange(stream.row(first - REFERENCE), stream.row(first))
            halves = [rng.permutation(known)[: len(known) // 2] for _ in range(POOL)]
            models = [fitted(stream, half, seed) for seed, half in enumerate(halves)]
            pools[eras].append(np.array([model(stream.row(first), stream.row(last)) for model in models]))
    return never, pools


def fitted(stream, rows, seed):
    """Train on some rows; return a function: its losses on others."""
    binary = stream.task is Task.BINARY
    kind = HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor
    model = kind(max_iter=40, random_state=seed, early_stopping=False).fit(stream.X[rows], stream.y[rows])

    def lost(first, last):
        X = stream.X[first:last]
        said = model.predict_proba(X)[:, -1] if binary else model.predict(X)
        return losses(stream.task, said, stream.y[first:last])

    return lost


def coin(rng, pool, before):
    """Return one era's gain: of two models that chance chose."""
    first, second = rng.choice(POOL, 2, replace=False)
    return pool[first] - pool[second]


def exchanged(rng, pool, before):
    """Return one era's gain over the first model, or the same as a loss."""
    return rng.choice([-1, 1]) * (before - pool[rng.integers(POOL)])


def wrong(never, pool, draw):
    """Count in percent: zero outside each interval, 'yes' to a gain that is none, 'no' to one of twice what counts."""
    counts = dict.fromkeys(("replay", "standing", "independent", "yes", "no"), 0)
    starts = np.cumsum([part.shape[1] for part in pool])[:-1].tolist()
    before, rng, loss = np.split(never, starts), np.random.default_rng(1), float(never.mean())
    for _ in range(RUNS):
        gains = np.concatenate([draw(rng, part, b) for part, b in zip(pool, before, strict=True)])
        ours = stretch_interval(gains, starts)
        counts["replay"] += outside(ours)
        counts["standing"] += outside(mean_interval(gains))
        counts["independent"] += abs(gains.mean()) > 1.96 * gains.std(ddof=1) / math.sqrt(len(gains))
        counts["yes"] += said(ours, loss) is Answer.YES
        counts["no"] += said(stretch_interval(gains + PLANTED * loss, starts), loss) is Answer.NO
    return {name: 100 * float(count) / RUNS for name, count in counts.items()}


def outside(interval):
    """Whether zero is outside of an interval."""
    return interval.low > 0 or interval.high < 0


def said(gain, loss):
    return judge(
        Race(policy="", gain=gain, loss=loss, moved=True, trainings=0, promotions=0, repairs=0, seconds=0.0, worth=0.01)
    ).answer
