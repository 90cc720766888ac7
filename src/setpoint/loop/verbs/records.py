"""Records as other programs read them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from setpoint.errors import InvalidInput


def as_lines(table: pa.Table) -> Iterator[str]:
    """Yield one JSON object a record."""
    for batch in table.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield json.dumps(row, default=_text)


def write_records(parts: Iterable[pa.Table], out: Path) -> int:
    """Write records as Parquet, or as CSV with one column an input and output; return how many.

    The file has its name when it is whole. Parts have one schema.

    Raises
    ------
    InvalidInput
        If the name has neither suffix.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise InvalidInput(f"cannot write {out.suffix or 'a file without suffix'}: name a .parquet or .csv file")
    csv, new, rows, writer = out.suffix == ".csv", out.with_name(out.name + ".partial"), 0, None
    try:
        for part in map(_flat, parts) if csv else parts:
            writer = writer or (pacsv.CSVWriter if csv else pq.ParquetWriter)(new, part.schema)
            writer.write_table(part)
            rows += part.num_rows
        if writer:
            writer.close()
        new.rename(out)
    finally:
        new.unlink(missing_ok=True)
    return rows


def _flat(table: pa.Table) -> pa.Table:
    lists = [name for name in table.column_names if pa.types.is_list(table.schema.field(name).type)]
    for name in lists:
        index = table.column_names.index(name)
        joined = pa.array([" ".join(v or ()) for v in table[name].to_pylist()], pa.string())
        table = table.set_column(index, name, joined)
    return table.flatten()


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
