"""Which column of the reference is the target, the time and the id, where the user did not say."""

import re
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.importers import Signature
from setpoint.deploy.reference import plain
from setpoint.errors import InvalidInput

ID_NAME = re.compile(r"(?:.*_)?(?:id|uuid|key)", re.IGNORECASE)


def guess_time(reference: pa.Table, taken: Collection[str]) -> str | None:
    """Return the first column of times that the model does not take."""
    kinds = {f.name: f.type for f in reference.schema if f.name not in taken}
    return next((name for name, kind in kinds.items() if pa.types.is_timestamp(kind) or pa.types.is_date(kind)), None)


def guess_id(reference: pa.Table, taken: Collection[str]) -> str | None:
    """Return the first column that is called an id, never repeats, and is none of the model's inputs."""
    for name in reference.column_names:
        if name not in taken and ID_NAME.fullmatch(name):
            values = reference.column(name)
            if not values.null_count and pc.count_distinct(values).as_py() == reference.num_rows:
                return str(name)
    return None


def guess_target(reference: pa.Table, said: Signature, taken: Collection[str]) -> str:
    """Return the only column that can be the target.

    It is none of the model's inputs; it holds the model's classes, or numbers for a model that does not classify.

    Raises
    ------
    InvalidInput
        If no column or more than one can be; the text lists them and asks for `--target`.
    """
    if said.names is None:
        raise InvalidInput(
            "the model has no names for its inputs, so the target cannot be told from them; name it with --target. "
            f"The reference has {', '.join(reference.column_names)}"
        )
    left: list[str] = [n for n in reference.column_names if n not in taken]
    fitting = [n for n in left if _fits(reference.column(n), said.classes)]
    if len(fitting) != 1:
        what = f"a column with the classes {list(said.classes)}" if said.classes else "a numeric column"
        found = ", ".join(fitting or left) or "no column is left"
        raise InvalidInput(
            f"cannot tell which column is the target: it is {what} that the model does not take, and "
            f"{len(fitting) or 'none'} of the reference fits; name it with --target. Candidates: {found}"
        )
    return fitting[0]


def _fits(values: pa.ChunkedArray, classes: Sequence[str | int | bool]) -> bool:
    if classes:
        if pc.count_distinct(values).as_py() > len(classes) + 1:
            return False
        found = set(plain(pc.unique(values))) - {None}
        return found == set(classes) if len(classes) == 2 else len(found) > 1 and found <= set(classes)
    kind = values.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
