"""Look into a SavedModel: the operators of its graphs, and the layers its configuration tells of."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from setpoint.errors import Unsafe
from setpoint.govern.protobuf import fields
from setpoint.govern.words import listed

MAX_BYTES = 2 * 2**30 - 1
OPERATORS = """
ReadFile WriteFile MatchingFiles PyFunc PyFuncStateless EagerPyFunc ImmutableConst PrintV2
TextLineReader TextLineReaderV2 WholeFileReader WholeFileReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2
TFRecordReader TFRecordReaderV2 LMDBReader TextLineDataset TFRecordDataset TFRecordDatasetV2
FixedLengthRecordDataset FixedLengthRecordDatasetV2 SqlDataset CSVDataset CSVDatasetV2 LMDBDataset
CacheDataset CacheDatasetV2 SaveDataset SaveDatasetV2 LoadDataset SnapshotDataset SnapshotDatasetV2
DatasetToTFRecord DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4
RegisterDataset RegisterDatasetV2 DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount
DebugNumericSummary DebugNumericSummaryV2 Save SaveSlices SaveV2 Restore RestoreSlice RestoreV2 MergeV2Checkpoints
InitializeTableFromTextFile InitializeTableFromTextFileV2 CreateSummaryFileWriter CreateSummaryDbWriter
"""
ACTING = frozenset(OPERATORS.split())  # on files or the network, or in Python
SAVING = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})
SAVERS = ("__inference__traced_save", "__inference__traced_restore", "save/", "save_1/")


def scan(
    folder: Path, files: list[Path], allow: Sequence[str], scan_file: Callable[..., tuple[str, ...]]
) -> tuple[str, ...]:
    """Refuse operators that act on files or the network or run Python, unless `allow` names them."""
    raw = _bytes(folder / "saved_model.pb")
    try:
        found = set(_acting(memoryview(raw)))
    except ValueError as e:
        raise Unsafe(f"{folder.name}/saved_model.pb cannot be read: {e}; it was not loaded") from e
    strangers = found - set(allow)
    if strangers:
        raise Unsafe(
            f"{folder.name}/saved_model.pb holds the operators {listed(strangers)}, which act on files or the "
            "network or run code; it was not loaded. Export it without or, if you wrote it, list them under `allow:`"
        )
    return tuple(sorted(found))


def _bytes(file: Path) -> bytes:
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise Unsafe(f"{file.parent.name}/{file.name} has {size:,} bytes; at most {MAX_BYTES:,} are read")
    return file.read_bytes()


def _acting(raw: memoryview) -> Iterator[str]:
    """Return the operators that act, of the graph and of its functions."""
    for meta in fields(raw, 2):
        for graph in fields(meta, 2):
            for node in fields(graph, 1):
                yield from _of_node(node, "")
            for function in (f for library in fields(graph, 2) for f in fields(library, 1)):
                name = _text(next(fields(next(fields(function, 1), memoryview(b"")), 1), memoryview(b"")))
                for node in fields(function, 3):
                    yield from _of_node(node, name)


def _of_node(node: memoryview, function: str) -> Iterator[str]:
    empty = memoryview(b"")
    name, op = (_text(next(fields(node, number), empty)) for number in (1, 2))
    saves = op in SAVING and (function or name).startswith(SAVERS)
    if op in ACTING and not saves:
        yield op


def _text(raw: memoryview) -> str:
    return bytes(raw).decode(errors="replace")
