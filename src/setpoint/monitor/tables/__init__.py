"""Two tables side by side."""
