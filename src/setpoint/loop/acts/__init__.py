"""Act: carry out one action and return the deployment as it then stands. Doing an action twice does it once."""

from setpoint.loop.acts import incidents, updates
from setpoint.loop.acts.base import act

__all__ = ["act", "incidents", "updates"]  # those two say how, by being imported
