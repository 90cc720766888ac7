"""Training sets: which rows, mended and weighed how, and where each comes from."""
