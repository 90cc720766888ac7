"""One metric judged by the product's own code: evidence of harm and of being held, after every row."""

import math

import numpy as np
from traffic import Paired

from setpoint.deploy.evidence.bets import Source, paired
from setpoint.deploy.evidence.scales import Scale
from setpoint.deploy.evidence.tracks import grown
from setpoint.domain.wealth import Track

LIMIT = math.log(1 / 0.05)


def bets_on(traffic, margin=0.0):
    """Return the bets on some traffic."""
    scale = Scale(top=traffic.top, middle=getattr(traffic, "middle", 0.0), margin=margin)
    if isinstance(traffic, Paired):
        return paired("metric", np.ones(len(traffic.old), bool), traffic.old, traffic.fresh, scale)
    source = Source(traffic.new, traffic.share, traffic.unit)
    return source.bets("metric", np.ones(len(traffic.new), bool), traffic.bad, scale)


def mature(traffic, delay):
    """Return the rows whose age is the delay or more at the end: cohorts, however their outcomes arrived."""
    rows = len(traffic.bad) - delay
    return type(traffic)(
        bad=traffic.bad[:rows],
        new=traffic.new[:rows],
        share=traffic.share[:rows],
        top=traffic.top,
        middle=traffic.middle,
    )


def stopped_at(traffic, margin=0.0):
    """Return after how many rows harm is shown; infinite: never."""
    return first(grown(Track(), bets_on(traffic, margin))[1].harm)


def held_at(traffic, margin):
    """Return after how many rows it is proven not to be worse by the margin; infinite: never."""
    return first(grown(Track(), bets_on(traffic, margin))[1].held)


def better_at(traffic):
    """Return after how many rows it is proven to be better; infinite: never."""
    return first(grown(Track(), bets_on(traffic), better=True)[1].better)


def first(path):
    """Return the number of rows after which a path is first above the limit."""
    above = path >= LIMIT
    return int(np.argmax(above)) + 1 if above.any() else math.inf
