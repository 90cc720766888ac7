"""monitor: a look at a model now, and what needs no deployment."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("look", "monitoring.look:look", "Look at MODEL now; decides nothing. `setpoint monitor MODEL` is the same."),
    ("compare", "monitoring.compare:compare", "Compare two tables column by column."),
    ("evaluate", "monitoring.evaluate:evaluate", "Measure the answers of a table against what turned out to be true."),
    ("contract", "monitoring.contract:contract", "Show what columns hold, each alone and together; or check a table."),
    ("propose", "monitoring.propose:propose", "Say what to watch, and what each monitor sees from how many records."),
    ("rules", "monitoring.exporting:rules", "Write rules for Prometheus, made from the objectives of MODEL."),
    ("dashboard", "monitoring.exporting:dashboard", "Write a dashboard for Grafana."),
)

app = group(
    COMMANDS,
    "Show the findings of a look at MODEL now (`setpoint monitor MODEL`), or compare two tables.",
    usual="look",
)
