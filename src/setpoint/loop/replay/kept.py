"""The folder of a replay: what each policy came to, kept when it is finished, and found again."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from setpoint.config import SetpointFile
from setpoint.domain.value import from_json, to_json
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.replay.policies import Policy
from setpoint.loop.replay.run import Ran
from setpoint.loop.replay.values import Course

COURSE, DECISIONS, OF = "course.json", "decisions.jsonl", "of.json"
ARRAYS = ("losses", "values", "weights")


def digest_of(table: pa.Table) -> str:
    """Return the digest of a table's rows, columns and types."""
    found = hashlib.sha256(str(table.schema.remove_metadata()).encode())
    for batch in table.combine_chunks().to_batches():
        for column in batch.columns:
            found.update(pa.RecordBatch.from_arrays([column], ["c"]).serialize())
    return found.hexdigest()


def identity(file: SetpointFile, policy: Policy, table_digest: str, every: timedelta) -> dict[str, str]:
    """Return what a run hangs on: the same of each gives the same decisions."""
    stated = json.dumps(file.stated, sort_keys=True, default=str)
    used = (file.artifact, file.reference, *(p.partition(":")[0] for p in (file.train, file.factory) if p))
    return {
        "records": table_digest,
        "settings": hashlib.sha256(f"{policy} {stated}".encode()).hexdigest(),
        "files": hashlib.sha256(b"".join(_bytes_of(file.root / name) for name in used)).hexdigest(),
        "every": f"{every.total_seconds():g} s",
    }


def claim(folder: Path, of: dict[str, str]) -> None:
    """Take a policy's folder, or find it to be of the same run.

    Raises
    ------
    Conflict
        If it holds a run over other records, or under other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / OF
    if not file.exists():
        if any(folder.iterdir()):
            raise Conflict(f"{folder} holds something else than a replay; choose another folder with --out")
        file.write_text(json.dumps(of, indent=2) + "\n")
        return
    differs = [name for name, value in of.items() if json.loads(file.read_text()).get(name) != value]
    if differs:
        raise Conflict(
            f"{folder} holds a replay whose {', '.join(differs)} were others; choose another folder with --out, or "
            "remove it"
        )


def keep(folder: Path, ran: Ran) -> None:
    """Keep what a policy came to: whole when `course.json` is there."""
    for name in ARRAYS:
        array = getattr(ran, name)
        if array is not None:
            np.save(folder / f"{name}.npy", array)
    lines = b"".join(to_json(d) + b"\n" for d in ran.course.deployment.decisions)
    (folder / DECISIONS).write_bytes(lines)
    new = folder / f"{COURSE}.new"
    new.write_bytes(to_json(ran.course))
    new.replace(folder / COURSE)


def finished(folder: Path) -> bool:
    """Whether a policy's run is whole."""
    return (folder / COURSE).is_file()


def found(folder: Path) -> Ran:
    """Return what a policy came to.

    Raises
    ------
    InvalidInput
        If the folder holds no finished run of a policy.
    """
    if not finished(folder):
        raise InvalidInput(
            f"{folder} holds no finished replay of a policy; `setpoint replay PATH --data TABLE --out FOLDER` makes "
            "FOLDER/setpoint, FOLDER/never and so on"
        )
    try:
        course = from_json((folder / COURSE).read_bytes(), Course)
    except msgspec.DecodeError as e:
        raise InvalidInput(f"{folder / COURSE} is no account of a replay: {e}") from e
    arrays = {n: np.load(f, allow_pickle=False) for n in ARRAYS if (f := folder / f"{n}.npy").is_file()}
    return Ran(course=course, **arrays)


def _bytes_of(path: Path) -> bytes:
    return b"".join(f.read_bytes() for f in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(f for f in path.rglob("*") if f.is_file())
