"""What a deployment must be able to show: what is safe to load, who did what, and why."""
