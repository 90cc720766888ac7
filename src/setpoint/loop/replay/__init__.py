"""Replay: the same plan and the same effects on recorded time, and what others would have done instead."""

from setpoint.loop.replay.checkpoint import Checkpoints
from setpoint.loop.replay.platform import RecordedPlatform
from setpoint.loop.replay.policies import POLICIES, Policy
from setpoint.loop.replay.run import Ran, replay
from setpoint.loop.replay.traffic import Traffic, as_traffic_table, start_of, traffic_of
from setpoint.loop.replay.values import PolicyResult, Replayed, Window

__all__ = [
    "POLICIES",
    "Checkpoints",
    "Policy",
    "PolicyResult",
    "Ran",
    "RecordedPlatform",
    "Replayed",
    "Traffic",
    "Window",
    "as_traffic_table",
    "replay",
    "start_of",
    "traffic_of",
]
