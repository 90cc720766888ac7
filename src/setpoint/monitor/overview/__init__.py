"""Everything known of a model over a period, the most important first: what reports show."""
