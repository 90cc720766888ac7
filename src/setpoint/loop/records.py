"""Records as other programs read them."""

import json
from collections.abc import Iterator
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


def write_records(table: pa.Table, out: Path) -> None:
    """Write records as Parquet, or as CSV with one column an input and output."""
    match out.suffix:
        case ".parquet":
            pq.write_table(table, out)
        case ".csv":
            pacsv.write_csv(_flat(table), out)
        case other:
            raise InvalidInput(f"cannot write {other or 'a file without suffix'}: name a .parquet or .csv file")


def _flat(table: pa.Table) -> pa.Table:
    lists = [name for name in table.column_names if pa.types.is_list(table.schema.field(name).type)]
    for name in lists:
        index = table.column_names.index(name)
        joined = pa.array([" ".join(v or ()) for v in table[name].to_pylist()], pa.string())
        table = table.set_column(index, name, joined)
    return table.flatten()


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
