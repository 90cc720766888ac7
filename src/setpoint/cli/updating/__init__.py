"""update: train now, ask when it pays, and see what earlier updates brought."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("now", "updating.training:now", "Retrain now from the log. `setpoint update MODEL` is the same."),
    ("when", "updating.when:when", "Say whether MODEL should be retrained now, or what else is best done."),
    ("cancel", "updating.training:cancel", "Stop the training that is under way."),
    (
        "set",
        "updating.sets:show",
        "Show what an update would learn from, or a version did, and export it.",
    ),
    ("receipts", "updating.receipts:receipts", "Show what each update was expected to win, and what it won."),
)

app = group(COMMANDS, "Retrain MODEL now from the log; see what earlier updates brought.", usual="now")
