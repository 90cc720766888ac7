"""What people are told: what is new, in which words, and to whom it is sent."""
