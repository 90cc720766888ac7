"""Import, convert, verify, bundle; the gate and the rollout."""
