"""The gate that every candidate passes: many checks against the champion, on rows that neither has learnt from."""

from setpoint.deploy.gate.case import Case, Learnt, Side
from setpoint.deploy.gate.gather import Asked, HeldOut, gather
from setpoint.deploy.gate.judge import judge
from setpoint.deploy.gate.losses import judge_gate
from setpoint.deploy.gate.spending import LOOKS, Turn

__all__ = ["LOOKS", "Asked", "Case", "HeldOut", "Learnt", "Side", "Turn", "gather", "judge", "judge_gate"]
