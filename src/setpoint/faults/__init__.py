"""Faults of the catalogue, planted into recorded traffic, into answers, or into real processes.

    from setpoint.faults import Fault, plant

Nothing here changes what was given to it; the same seed plants the same.
"""

from setpoint.domain.fault import IN_ANSWERS, IN_PROCESSES, IN_TRAFFIC, Fault
from setpoint.domain.traffic import Traffic
from setpoint.faults.answers import spoiled
from setpoint.faults.drawing import draw, possible
from setpoint.faults.plant import Planted, plant

__all__ = [
    "IN_ANSWERS",
    "IN_PROCESSES",
    "IN_TRAFFIC",
    "Fault",
    "Planted",
    "Traffic",
    "draw",
    "plant",
    "possible",
    "spoiled",
]
