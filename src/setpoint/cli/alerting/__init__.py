"""incidents: what was seen and done, and who is told of it."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("show", "alerting.show:show", "Show incidents. `setpoint incidents MODEL` is the same."),
    ("ack", "alerting.acts:ack", "Say that you know of an incident: nobody is reminded of it any more."),
    ("silence", "alerting.acts:silence", "Tell nobody of the incidents of MODEL for a while."),
    ("silences", "alerting.acts:silences", "Show the silences in force."),
    ("lift", "alerting.acts:lift", "End a silence now."),
    ("test-alert", "alerting.acts:trial", "Send a test message, and say of each channel whether it arrived."),
)

app = group(
    COMMANDS,
    "Show incidents: what was seen, the likeliest causes, what was done; and who is told.",
    usual="show",
)
