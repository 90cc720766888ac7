"""replay: policies over recorded traffic, and where two of them part."""

from setpoint.cli.lazy import group

COMMANDS = (
    (
        "race",
        "replaying.race:race",
        "Race policies over a recorded table: is the loop worth it? `setpoint replay PATH` is the same.",
    ),
    ("diff", "replaying.diff:diff", "Show where two policies first decided differently, and why."),
)

app = group(COMMANDS, "Show what the loop would have done with recorded traffic, beside doing nothing.", usual="race")
