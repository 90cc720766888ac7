"""Drills: faults planted in a shadow copy of recorded traffic, and what the loop would do about them."""
