"""versions diff."""

import msgspec

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, print_json, table
from setpoint.cli.versions.listing import Model, Version
from setpoint.config import Settings
from setpoint.loop.verbs import versions


def diff(model: Model, a: Version, b: Version, json: Json = False) -> None:
    """Show what differs between two versions: schema, contract, threshold, runtime, metrics, data, packages, files."""
    found = versions.compared(open_home(Settings()), model, a, b)
    if json:
        print_json(msgspec.to_builtins(found))
        return
    rows, section = [], ""
    for c in found.changes:
        rows.append((c.section if c.section != section else "", c.name, c.before or "–", c.after or "–"))
        section = c.section
    if rows:
        console.print(table(f"{model}: {a} and {b}", ("", "", a, b), rows))
    if found.same:
        console.print(f"The same: {', '.join(found.same)}", highlight=False)
