"""Frozen values, and the pure functions on them."""
