"""Numerics on arrays: distances, intervals, tests that may be watched."""
