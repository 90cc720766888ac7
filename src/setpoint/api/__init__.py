"""The control process: the loop on its own clock, and a small API for those who watch it."""
