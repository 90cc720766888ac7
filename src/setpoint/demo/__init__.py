"""The demonstration: two years of hourly demand through the real servers, with two faults planted on the way."""
