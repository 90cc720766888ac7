"""One Delta table that follows the spool: rows and the place they were read up to are committed together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

COMPACT_EVERY = 100  # commits
FILE_BYTES = 64 * 2**20  # small files are joined up to this size
GROUP_ROWS = 16_384  # of a row group: what a window reads at least
ROWS = "rows"  # the transaction that counts all rows ever written
CONFIGURATION = {
    "delta.deletedFileRetentionDuration": "interval 1 hours",  # a reader that is slower than this loses its files
    "delta.logRetentionDuration": "interval 1 days",
}


class Table:
    """A Delta table with a cursor a segment, kept as application transactions of the commits.

    Parameters
    ----------
    folder : Path
        Where the table is; made if there is none.
    schema : pyarrow.Schema
        Its columns.
    partition : str
        The column it is partitioned by.
    indexed : sequence of str
        Columns with least and greatest value a file: reading prunes by them, and each costs time in every commit.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, partition: str, indexed: Sequence[str]) -> None:
        self._folder = folder
        self._schema = schema
        self._partition = partition
        if not DeltaTable.is_deltatable(str(folder)):
            configuration = CONFIGURATION | {"delta.dataSkippingStatsColumns": ",".join(indexed)}
            DeltaTable.create(
                folder,
                schema,
                mode="ignore",
                partition_by=[partition],
                configuration=configuration,
            )
        self._delta = DeltaTable(folder)
        self._tidied = self._delta.version() // COMPACT_EVERY * COMPACT_EVERY
        self._dataset: tuple[int, ds.Dataset] | None = None
        self._paths, self._is_wide = {path for path, _ in _leaves(schema)}, False
        self._writer = _properties(schema, indexed)
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
        """Whether somebody else has committed since this was loaded, or so much that its own commit is gone."""
        version = self._delta.version()
        return self._commit(version + 1).exists() or not self._commit(version).exists()

    def refresh(self) -> None:
        """Load what others have committed."""
        if self._commit(self._delta.version()).exists():
            self._delta.update_incremental()
        else:
            self._delta = DeltaTable(self._folder)

    def _commit(self, version: int) -> Path:
        return self._folder / "_delta_log" / f"{version:020d}.json"

    def append(self, rows: pa.Table, cursors: Mapping[str, int]) -> None:
        """Commit rows and the cursors that say where they came from, both or neither."""
        done = [Transaction(segment, offset) for segment, offset in cursors.items()]
        done.append(Transaction(ROWS, self.rows + rows.num_rows))
        write_deltalake(
            self._delta,
            rows,
            mode="append",
            schema_mode=self._wider(),
            writer_properties=self._writer,
            commit_properties=CommitProperties(app_transactions=done),
        )

    def replace(self, predicate: str, rows: pa.Table) -> None:
        """Put rows in place of those of a predicate, all of which must fulfil it, in one commit."""
        if not rows.num_rows:
            self.delete(predicate)
            return
        write_deltalake(
            self._delta,
            rows,
            mode="overwrite",
            predicate=predicate,
            schema_mode=self._wider(),
            writer_properties=self._writer,
        )

    def update(self, values: Mapping[str, str], predicate: str) -> None:
        """Set columns (SQL expressions) of the rows of a predicate, in one commit."""
        self._delta.update(updates=dict(values), predicate=predicate, writer_properties=self._writer)

    def delete(self, predicate: str) -> int:
        """Delete the rows of a predicate; return how many there were. Their bytes stay until `purge`."""
        return int(self._delta.delete(predicate, writer_properties=self._writer)["num_deleted_rows"])

    def due(self) -> bool:
        """Whether it is time for `tidy`: once in `COMPACT_EVERY` commits."""
        return self._delta.version() - self._tidied >= COMPACT_EVERY

    def tidy(self) -> None:
        """Join small files, and delete those that were joined a while ago; cursors are not touched.

        What a commit that was stopped half-way has left goes too. For who holds the lock, as nobody else writes then.
        """
        self._tidied = self._delta.version()
        self._delta.optimize.compact(target_size=FILE_BYTES, max_concurrent_tasks=1, writer_properties=self._writer)
        self._delta.vacuum(dry_run=False, full=True)
        self._drop_parts()

    def purge(self) -> None:
        """Delete the bytes of all that is not in the table, at once: of commits that were stopped half-way as well."""
        self._delta.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        self._drop_parts()

    def _drop_parts(self) -> None:
        """Delete files that never got their name, `<name>#<n>`: the vacuum does not see them."""
        for part in self._folder.rglob("*#*"):
            part.unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each partition, by the value of its column; null is the empty text."""
        files = pa.table(self._delta.get_add_actions(flatten=True))
        found: Counter[str] = Counter()
        for value, size in zip(
            files[f"partition.{self._partition}"].to_pylist(), files["size_bytes"].to_pylist(), strict=True
        ):
            found["" if value is None else str(value)] += size
        return dict(found)

    def load(self, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        """Return rows in no particular order.

        Raises
        ------
        FileNotFoundError
            If somebody has purged what this process still takes for the present: `refresh` first.
        """
        table = self.dataset().to_table(columns=columns, filter=where)
        return table if columns else table.select(self._schema.names).cast(self._schema)

    def _wider(self) -> Literal["merge"] | None:
        """Say how rows are written when a version has added columns since the table was made."""
        if not self._is_wide:
            self._is_wide = {path for path, _ in _leaves(pa.schema(self._delta.schema().to_arrow()))} >= self._paths
        return None if self._is_wide else "merge"

    def dataset(self) -> ds.Dataset:
        """Return the table as a dataset that can be scanned in parts."""
        version = self._delta.version()
        if self._dataset is None or self._dataset[0] != version:  # to list all files takes time
            self._dataset = version, self._delta.to_pyarrow_dataset(filesystem=self._files)
        return self._dataset[1]


def _properties(schema: pa.Schema, indexed: Sequence[str]) -> WriterProperties:
    """Return how columns are written: dictionaries for text only, where values repeat, and statistics where needed."""
    texts = [path for path, kind in _leaves(schema) if pa.types.is_string(kind)]
    plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    ranged = ColumnProperties(dictionary_enabled=False, statistics_enabled="CHUNK")
    repeated = ColumnProperties(dictionary_enabled=True, statistics_enabled="NONE")
    special = {path: repeated for path in texts if path not in ("id", "request_id")}
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=GROUP_ROWS,
        default_column_properties=plain,
        column_properties=special | dict.fromkeys(indexed, ranged),
    )


def _leaves(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [
        (f"{field.name}.{inner.name}", inner.type) if pa.types.is_struct(field.type) else (field.name, field.type)
        for field in schema
        for inner in (list(field.type) if pa.types.is_struct(field.type) else [field])
    ]
