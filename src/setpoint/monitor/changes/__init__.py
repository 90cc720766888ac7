"""Whether and how a column changed, from two profiles of it."""
