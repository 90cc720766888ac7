"""From records and outcomes to findings."""
