"""What others do by reflex: retrain when a distribution moved, roll back when there is an alarm."""

from datetime import timedelta

import numpy as np

OWN = {"psi": "never", "rollback": "alarm"}  # and whose loop looks, if any


def psi_is_high(log, model, now) -> bool:
    """Whether the population stability index of any feature is above 0.2 between the last day and the days before."""
    past = log.read(model, until=now - timedelta(days=1))
    last = log.read(model, since=now - timedelta(days=1), until=now)
    if len(past) < 400 or len(last) < 100:
        return False
    return any(_psi(past.inputs[n], last.inputs[n]) > 0.2 for n in past.inputs)


def _psi(a, b):
    if a.dtype == object:
        levels = sorted({str(v) for v in a} | {str(v) for v in b})
        p, q = (np.array([np.mean(x.astype(str) == v) for v in levels]) for x in (a, b))
    else:
        edges = np.unique(np.nanquantile(a, np.linspace(0, 1, 11)[1:-1]))
        p, q = (
            np.append(np.bincount(np.searchsorted(edges, x[~np.isnan(x)]), minlength=len(edges) + 1), np.isnan(x).sum())
            / len(x)
            for x in (a, b)
        )
    p, q = np.maximum(p, 1e-3), np.maximum(q, 1e-3)
    return float(((p - q) * np.log(p / q)).sum())
