"""How much newest rows say, and from when on that is enough."""

import numpy as np

from setpoint.maintain.joint import Joint
from setpoint.maintain.loss import Floats, independent_rows

FEWEST = 6  # rows; as many consecutive ones count as one independent row at most
WELL = 9.2  # nats: the data must be 10,000 times likelier without the fault
TWICE = 2.0  # times the evidence after which the fault came back before
SURELY_WELL = 30.0  # nats: enough even where the other columns have left what they were before the fault
UNLIKE = 3.0  # nats a row by which rows may fall below the worst healthy stretch and still be called well


def worth(gain: Floats) -> float:
    """Return how many independent rows a stretch counts for."""
    return min(len(gain) / FEWEST, independent_rows(gain))


def seemed_well(gain: Floats) -> float:
    """Return how much a stretch of rows spoke for health, at most, before the fault was there again (nats).

    Parameters
    ----------
    gain : ndarray of shape (n,)
        Log likelihood ratio of each row since the repair, in time order.

    References
    ----------
    Page, "Continuous inspection schemes", Biometrika 41 (1954).
    """
    total = np.concatenate([[0.0], np.cumsum(gain)]) / FEWEST
    risen = total - np.minimum.accumulate(total)
    last = len(total) - 1 - int(np.argmin(total[::-1]))  # the newest stretch begins here
    return float(risen[: last + 1].max())


def enough(nats: float, raw: Floats, joint: Joint, *, alone: bool) -> bool:
    """Whether evidence is enough, given the log densities of its rows as sent, shape (n,)."""
    like = float(np.mean(raw)) > joint.floor(len(raw)) - UNLIKE
    return nats >= WELL if like else alone and nats >= SURELY_WELL
