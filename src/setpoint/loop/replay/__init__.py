"""Replay: the same plan and the same effects on recorded time."""

from setpoint.loop.replay.platform import RecordedPlatform
from setpoint.loop.replay.run import POLICIES, replay
from setpoint.loop.replay.traffic import Traffic, as_traffic_table, start_of, traffic_of
from setpoint.loop.replay.values import PolicyResult, Replayed, Window

__all__ = [
    "POLICIES",
    "PolicyResult",
    "RecordedPlatform",
    "Replayed",
    "Traffic",
    "Window",
    "as_traffic_table",
    "replay",
    "start_of",
    "traffic_of",
]
