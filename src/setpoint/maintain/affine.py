"""Maps fitted to the records, for unit changes that no catalogue holds."""

from collections.abc import Iterator

import numpy as np

from setpoint.domain.conversions import Conversion
from setpoint.maintain.joint import Joint
from setpoint.maintain.loss import Floats

FITTED = "fitted"
LEAST_CORRELATION = 0.8  # between the column as sent and as the others predict it
ROUNDS = 10


def affine_maps(joint: Joint, z: Floats, wanted: Floats, column: int) -> Iterator[Conversion]:
    """Yield a scale and a scale with offset that bring a column back to what the other columns predict.

    What was sent is regressed on the prediction, not the other way round: the prediction's error is independent of the
    prediction, so the slope is not attenuated. Robust through iterated Huber weights.

    Parameters
    ----------
    z, wanted : ndarray of shape (n,), float64
        The standardised column, and the column as the others predict it, in its own unit.
    """
    sent = z * joint.scale[column] + joint.centre[column]
    if np.ptp(sent) == 0 or np.ptp(wanted) == 0 or np.corrcoef(sent, wanted)[0, 1] < LEAST_CORRELATION:
        return
    for design in (wanted[:, None], np.column_stack([wanted, np.ones(len(wanted))])):
        slope, *rest = huber(design, sent)
        if slope > 0:
            offset = rest[0] if rest else 0.0
            yield Conversion(label=FITTED, scale=1 / slope, offset=-offset / slope)


def huber(design: Floats, y: Floats) -> list[float]:
    """Return the coefficients of a regression that single outliers do not move, shape (p,)."""
    weights: Floats = np.ones(len(y))
    beta: Floats = np.zeros(design.shape[1], np.float64)
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        beta = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0].astype(np.float64)
        residual = np.abs(y - design @ beta)
        spread = 1.345 * 1.4826 * float(np.median(residual)) or 1.0
        weights = spread / np.maximum(residual, spread)
    return [float(b) for b in beta]
