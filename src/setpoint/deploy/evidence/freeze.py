"""What the champion was like before a rollout: measured once, so that nothing the rollout does can move it."""

import numpy as np

from setpoint.deploy.evidence.names import QUANTILES
from setpoint.domain.evidence import Frozen, Margins
from setpoint.domain.records import Column
from setpoint.domain.value import replace

FEWEST = 100  # rows below which a quantile says nothing; a p99.9 needs ten times as many
CLIPPED = 0.995  # quantile of the champion's losses: what is beyond counts as this
COME = 0.95  # of the outcomes that come at all have come by the age at which they are looked up


def freeze(
    *,
    failed: Column,
    broke: Column,
    latency_ms: Column,
    losses: Column,
    outcome_ages_s: Column,
    values: Column | None = None,
    margins: Margins,
) -> Frozen:
    """Measure the champion.

    Parameters
    ----------
    failed, broke : ndarray of shape (n_requests,), bool
    latency_ms : ndarray of shape (n_requests,), float64
        NaN where there was no answer.
    losses, values : ndarray of shape (n_rows,), float64
        NaN where the outcome is not known; no loss is below 0.
    outcome_ages_s : ndarray of shape (n_rows,), float64
        How old a request was when its outcome became known (seconds); NaN where it is not known.
    """
    quantiles, slower = _latencies(latency_ms, margins)
    age = _age(outcome_ages_s)
    frozen = Frozen(
        latency_ms=quantiles,
        slower=slower,
        errors=_share(failed),
        violations=_share(broke),
        outcome_age_s=age,
        labelled=_share((outcome_ages_s <= age) & np.isfinite(losses)),
    )
    frozen = _with_losses(frozen, losses)
    return frozen if values is None else _with_values(frozen, values)


def _share(happens: Column) -> float:
    return float(happens.mean()) if len(happens) else 0.0


def _latencies(latency_ms: Column, margins: Margins) -> tuple[dict[str, float], dict[str, float]]:
    known = latency_ms[np.isfinite(latency_ms)]
    enough = {name: share for name, share in QUANTILES.items() if len(known) * (1 - share) >= FEWEST / 100}
    quantiles = {name: float(np.quantile(known, share)) for name, share in enough.items() if len(known) >= FEWEST}
    margin = 1 + (margins.latency or 0.0)
    return quantiles, {name: _share(known > margin * limit) for name, limit in quantiles.items()}


def _age(ages_s: Column) -> float:
    known = ages_s[np.isfinite(ages_s)]
    return float(np.quantile(known, COME)) if len(known) else 0.0


def _with_losses(frozen: Frozen, losses: Column) -> Frozen:
    known = losses[np.isfinite(losses)]
    bound = float(np.quantile(known, CLIPPED)) if len(known) >= FEWEST else 0.0
    if bound <= 0:
        return frozen
    clipped = np.minimum(known, bound)
    return replace(frozen, loss=float(clipped.mean()), loss_sd=float(clipped.std()), loss_bound=bound)


def _with_values(frozen: Frozen, values: Column) -> Frozen:
    known = values[np.isfinite(values)]
    if len(known) < FEWEST or not np.ptp(known):
        return frozen
    return replace(
        frozen,
        value=float(known.mean()),
        value_size=float(np.abs(known).mean()),
        value_sd=float(known.std()),
        value_low=float(known.min()),
        value_high=float(known.max()),
    )
