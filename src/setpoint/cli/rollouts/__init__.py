"""rollout: candidates, shares by hand, and versions on their way to the traffic."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("list", "rollouts.listing:list_", "List candidates and rollouts, or set shares. `setpoint rollout` is the same."),
    ("start", "rollouts.going:start", "Have traffic move to a version by steps, as the evidence allows."),
    ("status", "rollouts.standing:status", "Show where a rollout is, what the evidence says, and what it waits for."),
    ("plan", "rollouts.standing:plan", "Show how long a rollout would take at the present traffic."),
    ("pause", "rollouts.going:pause", "Keep a rollout where it is."),
    ("resume", "rollouts.going:resume", "Let a paused rollout go on."),
    ("abort", "rollouts.going:abort", "End a rollout: the champion answers alone again."),
    ("approve", "rollouts.going:approve", "Let a rollout do what it waits for a person for."),
)

app = group(
    COMMANDS,
    "Show candidates, move traffic to a version by steps, or give challengers a share of the requests.",
    usual="list",
)
