"""Tables to compare: in memory, or files that are read a column at a time."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from setpoint.errors import InvalidInput

TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


class Source(Protocol):
    """A table whose columns are read one at a time, from several threads."""

    names: tuple[str, ...]
    rows: int

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column; texts may come coded by a dictionary."""
        ...


class InMemory:
    """An Arrow table; of columns of one name the later ones are numbered."""

    def __init__(self, table: pa.Table) -> None:
        self.names, self.rows = numbered(table.column_names), table.num_rows
        self._columns = dict(zip(self.names, table.columns, strict=True))

    def column(self, name: str) -> pa.ChunkedArray:
        return self._columns[name]


class ParquetFile:
    """A Parquet file, memory-mapped; of a nested column only whether it is null is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with pq.ParquetFile(path, memory_map=True) as file:
            schema, self.rows = file.schema_arrow, file.metadata.num_rows
        self.names = numbered(schema.names)
        self._place = {name: (at, schema.names[at]) for at, name in enumerate(self.names)}
        self._doubled = len(set(schema.names)) < len(schema.names)
        self._texts = [field.name for field in schema if any(test(field.type) for test in TEXTS)]

    def column(self, name: str) -> pa.ChunkedArray:
        at, own = self._place[name]
        # opened anew, so that what was read of the map does not stay resident
        with pq.ParquetFile(self._path, memory_map=True, read_dictionary=self._texts) as file:
            if self._doubled:
                return file.read(use_threads=False).column(at)
            return file.read(columns=[own], use_threads=False).column(0)


class Ordered:
    """A source with its rows in another order."""

    def __init__(self, source: Source, order: pa.Array) -> None:
        self._source, self._order = source, order
        self.names, self.rows = source.names, source.rows

    def column(self, name: str) -> pa.ChunkedArray:
        return self._source.column(name).take(self._order)


def in_order(source: Source, time: str) -> Source:
    """Return a source with its rows in the order of a column; as it is where that is so already, or there is none."""
    if time not in source.names:
        return source
    order = pc.sort_indices(source.column(time).combine_chunks())
    place = np.from_dlpack(order) if len(order) else np.zeros(0)
    return source if (place[1:] > place[:-1]).all() else Ordered(source, order)


def source_of(table: Any, name: str) -> Source:
    """Return an Arrow, pandas or Polars table, or the path of a .parquet or .csv file, as a source.

    Raises
    ------
    InvalidInput
        If it is none of these, or the file cannot be read.
    """
    if isinstance(table, str | Path):
        return _file(Path(table))
    if isinstance(table, pa.Table):
        return InMemory(table)
    if hasattr(table, "iloc") and hasattr(table, "columns"):
        return InMemory(_from_pandas(table))
    if hasattr(table, "__arrow_c_stream__"):
        return InMemory(pa.table(table))
    raise InvalidInput(
        f"the {name} table is a {type(table).__name__}; give a pandas, Polars or Arrow table, "
        "or the path of a .parquet or .csv file"
    )


def _file(path: Path) -> Source:
    if not path.exists():
        raise InvalidInput(f"there is no file {path}")
    try:
        match path.suffix.lower():
            case ".parquet" | ".pq":
                return ParquetFile(path)
            case ".csv":
                return InMemory(csv.read_csv(path))
    except (OSError, ValueError, pa.ArrowException) as e:
        raise InvalidInput(f"cannot read the table {path}: {e}") from e
    raise InvalidInput(f"{path} is no .parquet or .csv file")


def _from_pandas(frame: Any) -> pa.Table:
    """Convert column by column: one whose values have no common type is compared as texts."""
    columns = [_series(frame.iloc[:, at]) for at in range(frame.shape[1])]
    return pa.Table.from_arrays(columns, names=[str(name) for name in frame.columns])


def _series(series: Any) -> pa.Array:
    try:
        return pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        null = series.isna()
        return pa.array([None if none else str(v) for v, none in zip(series, null, strict=True)], pa.string())


def numbered(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that differ: the second of a name gets " (2)"."""
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)
