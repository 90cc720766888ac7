"""The report of a replay: one HTML page that needs nothing else."""

from setpoint.loop.replay.report.page import write_report

__all__ = ["write_report"]
