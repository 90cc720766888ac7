"""envelope: what may happen without a person, and whether nothing else did."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("show", "envelope.showing:show", "Show which changes are automatic, and within which bounds."),
    ("check", "envelope.checking:check", "Prove that what was done stayed inside, or name what did not."),
)

app = group(COMMANDS, "Show what may happen without a person, and check that nothing else did.", usual="show")
