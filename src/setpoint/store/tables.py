"""One Delta table that follows the spool: rows and the place they were read up to are committed together."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

COMPACT_EVERY = 100  # commits
ROWS = "rows"  # the transaction that counts all rows ever written


class Table:
    """An append-only Delta table with a cursor a segment, kept as application transactions of the commits.

    Parameters
    ----------
    folder : Path
        Where the table is; made if there is none.
    schema : pyarrow.Schema
        Its columns.
    by_day : bool
        Partition by the column `day`.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, by_day: bool) -> None:
        self._folder = folder
        self._schema = schema
        if not DeltaTable.is_deltatable(str(folder)):
            # statistics of the first two columns only: reading prunes by no others, and each costs time in every commit
            first = [name for name in schema.names[:2] if not (by_day and name == "day")]
            keep = {"delta.dataSkippingStatsColumns": ",".join(first)}
            parts = ["day"] if by_day else None
            DeltaTable.create(folder, schema, mode="ignore", partition_by=parts, configuration=keep)
        self._delta = DeltaTable(folder)
        # Arrow's own file system: threads that read through Python's may want the interpreter when it is ending
        self._files = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())

    @property
    def rows(self) -> int:
        """Rows ever written."""
        return self._delta.transaction_version(ROWS) or 0

    def cursor(self, segment: str) -> int | None:
        """Return the offset up to which a segment was consumed, or None."""
        return self._delta.transaction_version(segment)

    def outdated(self) -> bool:
        """Whether somebody else has committed since this was loaded."""
        return (self._folder / "_delta_log" / f"{self._delta.version() + 1:020d}.json").exists()

    def refresh(self) -> None:
        """Load what others have committed."""
        self._delta.update_incremental()

    def append(self, rows: pa.Table, cursors: Mapping[str, int]) -> None:
        """Commit rows and the cursors that say where they came from, both or neither."""
        done = [Transaction(segment, offset) for segment, offset in cursors.items()]
        done.append(Transaction(ROWS, self.rows + rows.num_rows))
        write_deltalake(self._delta, rows, mode="append", commit_properties=CommitProperties(app_transactions=done))

    def tidy(self) -> None:
        """Join small files, once in `COMPACT_EVERY` commits; cursors are not touched."""
        if self._delta.version() % COMPACT_EVERY == 0:
            self._delta.optimize.compact()
            self._delta.vacuum(dry_run=False)

    def load(self, *, day: date | None = None, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        """Return the rows of the days from `day` on, in no particular order."""
        if day is not None:
            later = ds.field("day") >= day
            where = later if where is None else where & later
        table = self._delta.to_pyarrow_dataset(filesystem=self._files).to_table(columns=columns, filter=where)
        return table if columns else table.select(self._schema.names).cast(self._schema)
