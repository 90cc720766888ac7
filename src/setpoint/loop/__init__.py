"""The control loop: look, decide, act; live and on recorded time."""
