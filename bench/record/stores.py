"""What the log is compared with: other ways to keep the same rows, which are handed to them as ready columns.

`python stores.py store NAME FOLDER MODEL` appends blocks of rows, `python stores.py ask NAME FOLDER FIRST LAST` opens
the store and reads an hour; both answer lines of JSON as `steps.py` does.
"""

import sqlite3
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import rows
from deltalake import DeltaTable, write_deltalake
from steps import SHAPES, Watch, answer, asked_again, forget_peak, memory_mb, size_of

TOGETHER = 25  # blocks in a row group of a plain file


class Store:
    """A folder that rows are appended to."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def ready(self, table):
        """Return rows as `append` takes them; not measured."""
        return table

    def settle(self):
        """Write what still waits."""


class PlainParquet(Store):
    """One file, in row groups of 250,000 rows: the least that it can cost."""

    compression = "snappy"

    def __init__(self, folder):
        super().__init__(folder)
        self.writer, self.waiting = None, []

    def append(self, table):
        self.waiting.append(table)
        if len(self.waiting) == TOGETHER:
            self.settle()

    def settle(self):
        if self.waiting:
            together = pa.concat_tables(self.waiting)
            self.writer = self.writer or pq.ParquetWriter(
                self.folder / "rows.parquet", together.schema, compression=self.compression
            )
            self.writer.write_table(together)
            self.waiting.clear()


class ZstdParquet(PlainParquet):
    compression = "zstd"


class DailyParquet(Store):
    """A folder a day, a file an append."""

    files = 0

    def append(self, table):
        self.files += 1
        ds.write_dataset(
            table, self.folder, format="parquet", partitioning=ds.partitioning(pa.schema([("day", pa.date32())])),
            basename_template=f"{self.files}-{{i}}.parquet", existing_data_behavior="overwrite_or_ignore",
        )  # fmt: skip

    def between(self, since, until):
        found = ds.dataset(self.folder, partitioning=ds.partitioning(pa.schema([("day", pa.date32())])))
        return found.to_table(filter=within(since, until)).num_rows


class Delta(Store):
    """A Delta table by day: what the log is made of."""

    def append(self, table):
        write_deltalake(self.folder, table, mode="append", partition_by=["day"])

    def between(self, since, until):
        return DeltaTable(self.folder).to_pyarrow_dataset().to_table(filter=within(since, until)).num_rows


class DuckDb(Store):
    """A table, and a transaction an append."""

    def __init__(self, folder):
        super().__init__(folder)
        self.connection = duckdb.connect(folder / "rows.duckdb")

    def append(self, table):
        self.connection.register("given", table)
        self.connection.execute("CREATE TABLE IF NOT EXISTS recorded AS SELECT * FROM given LIMIT 0")
        self.connection.execute("INSERT INTO recorded SELECT * FROM given")
        self.connection.unregister("given")

    def settle(self):
        self.connection.execute("CHECKPOINT")

    def between(self, since, until):
        asked = "SELECT * FROM recorded WHERE time >= ? AND time < ?"
        return self.connection.sql(asked, params=[since, until]).to_arrow_table().num_rows


class Sqlite(Store):
    """A table with an index on the time, in WAL mode, and a transaction an append."""

    def __init__(self, folder):
        super().__init__(folder)
        self.connection = sqlite3.connect(folder / "rows.sqlite")
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.names = [row[1] for row in self.connection.execute("PRAGMA table_info(rows)")]

    def ready(self, table):
        table = table.drop_columns("day").set_column(0, "time", table["time"].cast(pa.int64()))
        if not self.names:
            self.names = table.column_names
            self.connection.execute(f"CREATE TABLE rows ({', '.join(self.names)})")
            self.connection.execute("CREATE INDEX by_time ON rows (time)")
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def append(self, table):
        with self.connection:
            self.connection.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(self.names))})", table)

    def between(self, since, until):
        bounds = [int((when - rows.START).total_seconds() * 1e6) + rows.START_US for when in (since, until)]
        found = self.connection.execute("SELECT * FROM rows WHERE time >= ? AND time < ?", bounds).fetchall()
        columns = zip(self.names, zip(*found, strict=True), strict=True)
        return pa.table({name: list(column) for name, column in columns}).num_rows


def within(since, until):
    time = pc.field("time")
    day = pc.field("day")
    return (time >= since) & (time < until) & (day >= since.date()) & (day <= until.date())


STORES = {
    "Parquet, one file, snappy": PlainParquet,
    "Parquet, one file, zstd": ZstdParquet,
    "Parquet, a folder a day": DailyParquet,
    "Delta by day": Delta,
    "DuckDB": DuckDb,
    "SQLite": Sqlite,
}


def store(name, folder, model):
    """Append blocks."""
    opened = STORES[name](Path(folder))
    while asked := (yield):
        forget_peak()
        watch = Watch()
        for number in range(*asked["blocks"]):
            ready = opened.ready(rows.flat(rows.block(SHAPES[model], number)))
            with watch:
                opened.append(ready)
        with watch:
            opened.settle()
        yield watch.spent() | memory_mb() | {"bytes": size_of(Path(folder))}


def ask(name, folder, first, last):
    """Read an hour."""
    since, until = rows.moment(int(first)), rows.moment(int(last))
    yield from asked_again(lambda: STORES[name](Path(folder)), lambda store: store.between(since, until))


if __name__ == "__main__":
    answer((store, ask), *sys.argv[1:])
