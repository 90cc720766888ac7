"""Fresh labels to a candidate: when, on what, and how it is trained."""
