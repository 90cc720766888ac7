"""One file a hypothesis: each says how well its cause explains an incident, and what would mend it."""
