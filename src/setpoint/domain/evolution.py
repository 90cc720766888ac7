"""Columns that come and go between the versions of a model: what the records of all of them are kept by."""

from setpoint.domain.profile import Binning
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput


def merged(model: str, have: Schema, new: Schema) -> Schema:
    """Return the schema of the records of both: columns may be added and dropped, and else are those of the new one.

    Raises
    ------
    InvalidInput
        If a column changes its kind, columns change places, or others take the place of as many: who sends rows as
        lists would be misread. So do another task, target or other classes.
    """
    if (have.task, have.target, have.classes) != (new.task, new.target, new.classes):
        raise InvalidInput(
            f"the records of {model!r} are of task {have.task} with target {have.target!r} and classes "
            f"{list(have.classes)}, this version is of {new.task}, {new.target!r} and {list(new.classes)}; deploy it "
            "under another model name"
        )
    kinds, before = {f.name: f.kind for f in have.features}, set(have.names)
    changed = next((f for f in new.features if kinds.get(f.name, f.kind) is not f.kind), None)
    if changed is not None:
        raise InvalidInput(
            f"column {changed.name!r} of {model!r} is recorded as {kinds[changed.name]}, and {changed.kind} in this "
            "version; give it another name"
        )
    if [n for n in have.names if n in set(new.names)] != [n for n in new.names if n in before]:
        raise InvalidInput(
            f"the records of {model!r} have columns {', '.join(have.names)}, this version has {', '.join(new.names)}, "
            "in another order; who sends rows as lists would be misread: keep the order, or use another name"
        )
    newest = {f.name: f for f in (*have.features, *new.features)}
    return replace(new, features=tuple(newest.values()))


def same_width(model: str, current: Schema, new: Schema) -> None:
    """Refuse other columns than the present ones in the same number.

    Raises
    ------
    InvalidInput
        Naming them.
    """
    gone, come = set(current.names) - set(new.names), set(new.names) - set(current.names)
    if gone and len(gone) == len(come):
        raise InvalidInput(
            f"this version of {model!r} has {', '.join(sorted(come))} in place of {', '.join(sorted(gone))}: who sends "
            "rows as lists would be misread; deploy it under another model name"
        )


def continued(first: Binning, own: Binning) -> Binning:
    """Return the cuts of a later version: those of the first where it has the column, its own for columns it adds."""
    prefix = first.describe.rpartition(":")[2] + "."
    described = {n: cuts for n, cuts in first.columns.items() if first.describe and n.startswith(prefix)}
    columns = {name: first.columns.get(name, cuts) for name, cuts in own.columns.items()}
    return replace(first, columns=columns | described, segments=first.segments)


def merged_binning(have: Binning, new: Binning) -> Binning:
    """Return the cuts of all columns; those that there were stay, so that profiles add up."""
    return replace(have, columns={**new.columns, **have.columns})
