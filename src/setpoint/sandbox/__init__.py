"""Processes that load strangers' models: kept from the network, from files that are none of theirs, and within bounds.

`python -m setpoint.sandbox` puts the guard up before anything else is imported, for the kernel guards threads one by
one: this room imports the standard library alone.
"""
