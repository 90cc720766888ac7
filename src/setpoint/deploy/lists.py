"""Columns of lists as a column a place, so that each number of an image or a sequence is watched for itself."""

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.errors import InvalidInput

MOST = 16_384  # columns that one list is spread to


def spread(table: pa.Table) -> pa.Table:
    """Return the table with `name_0`, `name_1`, … in the place of each column of equally long lists.

    Lists of lists are flattened in C order. A column stays as it is where a list is missing, their lengths differ, or
    they hold more than `MOST` values.

    Raises
    ------
    InvalidInput
        If a new name is taken.
    """
    if not any(_is_list(kind) for kind in table.schema.types):
        return table
    names: list[str] = []
    columns: list[pa.ChunkedArray | pa.Array] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        places = _places(column) if _is_list(column.type) else None
        names += [name] if places is None else [f"{name}_{i}" for i in range(len(places))]
        columns += [column] if places is None else places
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InvalidInput(f"the table has a column {twice!r} beside a list whose values take that name; rename it")
    return pa.table(columns, names=names)


def _places(column: pa.ChunkedArray) -> list[pa.Array] | None:
    """Return a column for each place of lists of one length; None where they cannot be spread."""
    values, rows = _bare(column.combine_chunks()), len(column)
    while _is_list(values.type):
        sizes = pc.list_value_length(values)
        ends = pc.min_max(sizes).as_py()
        if sizes.null_count or not ends["min"] or ends["min"] != ends["max"]:
            return None
        values = _bare(values.flatten())
    width = len(values) // rows if rows else 0
    if not 0 < width <= MOST:
        return None
    step = pa.array(range(rows), pa.int64())
    return [values.take(pc.add(pc.multiply(step, width), i)) for i in range(width)]


def _bare(values: pa.Array) -> pa.Array:
    """Return what an extension type (Arrow's tensors) keeps its values in."""
    return values.storage if isinstance(values.type, pa.BaseExtensionType) else values


def _is_list(kind: pa.DataType) -> bool:
    bare = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return bool(pa.types.is_list(bare) or pa.types.is_large_list(bare) or pa.types.is_fixed_size_list(bare))
