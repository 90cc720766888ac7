"""On which days an id was predicted: an index beside the tables, from which it can be made anew at any time."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

RUNS = 16  # files a day at most before they are merged into one

Hashes = NDArray[np.uint64]


def hashes(ids: pa.Array | pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash an id, the same in every process (SipHash, as pandas defines it); null ids are left out."""
    return pd.util.hash_array(ids.drop_null().to_numpy(zero_copy_only=False), categorize=False)


class IdIndex:
    """Sorted runs of hashes, `folder/<day>/<n>.u64`, little-endian.

    It may hold more than the tables do (a run is written before its commit), and two ids may share a hash: it says
    where to look, never what is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def exists(self) -> bool:
        """Whether there is an index at all."""
        return self._folder.is_dir()

    def add(self, found: Mapping[date, Hashes]) -> None:
        """Add hashes of ids by day."""
        for day, new in found.items():
            folder = self._folder / day.isoformat()
            folder.mkdir(parents=True, exist_ok=True)
            runs = _runs(folder)
            merge = runs if len(runs) + 1 > RUNS else []
            last = int(runs[-1].stem) if runs else -1
            _write(folder / f"{last + 1}.u64", np.unique(np.concatenate([new, *map(_read, merge)])))
            for run in merge:
                run.unlink()

    def make(self, found: Iterable[Mapping[date, Hashes]]) -> None:
        """Make an index of all that is found; until it is whole there is none."""
        new = IdIndex(self._folder.with_name(self._folder.name + ".new"))
        new.forget()
        new._folder.mkdir()
        for part in found:
            new.add(part)
        self.forget()
        new._folder.rename(self._folder)

    def put(self, day: date, codes: Hashes) -> None:
        """Hold these hashes of a day and no others."""
        folder = self._folder / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        runs = _runs(folder)
        _write(folder / f"{int(runs[-1].stem) + 1 if runs else 0}.u64", np.unique(codes))
        for run in (*runs, *folder.glob("*.new")):
            run.unlink(missing_ok=True)

    def days(self, wanted: Hashes) -> Iterator[tuple[date, NDArray[np.bool_]]]:
        """Yield the days on which any of the ids was predicted, with a mask of those, latest first."""
        order = np.argsort(wanted)
        ordered = wanted[order]  # neighbours are looked up in the same places
        folders = self._folder.iterdir() if self.exists and len(wanted) else ()
        for folder in sorted(folders, reverse=True):
            found = np.zeros(len(wanted), bool)
            for run in _runs(folder):
                found[order] |= _contained(ordered, _read(run))
            if found.any():
                yield date.fromisoformat(folder.name), found

    def forget(self, days: Iterable[date] | None = None) -> None:
        """Delete days, or everything: it is then made anew."""
        for folder in [self._folder] if days is None else [self._folder / day.isoformat() for day in days]:
            shutil.rmtree(folder, ignore_errors=True)


def by_day(ids: pa.Array | pa.ChunkedArray, days: pa.Array | pa.ChunkedArray) -> dict[date, Hashes]:
    """Return the sorted hashes of the ids of each day."""
    table = pa.table({"id": ids, "day": days}).drop_null()
    codes, numbers = hashes(table["id"]), table["day"].cast(pa.int32()).to_numpy()
    return {date.fromordinal(int(n) + _EPOCH): np.unique(codes[numbers == n]) for n in np.unique(numbers)}


_EPOCH = date(1970, 1, 1).toordinal()


def _contained(wanted: Hashes, run: Hashes) -> NDArray[np.bool_]:
    at = np.searchsorted(run, wanted)
    inside = at < len(run)
    found = np.zeros(len(wanted), bool)
    found[inside] = run[at[inside]] == wanted[inside]
    return found


def _runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.u64"), key=lambda run: int(run.stem))


def _read(run: Path) -> Hashes:
    try:
        size = run.stat().st_size // 8
        return np.memmap(run, "<u8", "r", shape=(size,)) if size else np.empty(0, np.uint64)
    except FileNotFoundError:  # merged by who holds the lock; who does not hold it looks for itself alone
        return np.empty(0, np.uint64)


def _write(run: Path, codes: Hashes) -> None:
    new = run.with_suffix(".new")
    with new.open("wb") as file:
        file.write(codes.astype("<u8", copy=False).tobytes())
        file.flush()
        os.fsync(file.fileno())
    new.rename(run)
