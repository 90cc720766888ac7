"""Adapters of the ports that keep things: the spool and the record log, bundles, state."""
