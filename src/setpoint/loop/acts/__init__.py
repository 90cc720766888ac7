"""Act: carry out one action and return the deployment as it then stands. Doing an action twice does it once."""

from setpoint.loop.acts import bettering, incidents, stand_ins, updates
from setpoint.loop.acts.base import act

__all__ = ["act", "bettering", "incidents", "stand_ins", "updates"]  # those say how, by being imported
