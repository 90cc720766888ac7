"""Look into ONNX files: where they keep their tensors, what shapes those have, and whose operators they ask for."""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from setpoint.errors import Unsafe

MAX_BYTES = 2 * 2**30 - 1  # protobuf's own bound
MAX_DEPTH = 32
DOMAINS = frozenset({
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training",
    "com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental", "com.ms.internal.nhwc",
})  # fmt: skip
ACTING = frozenset({"PythonOp", "PythonOpGrad", "EPContext", "ATen", "PyOp"})  # they run code or read files
ALONE = "Save it as one file: onnx.save(onnx.load(path), 'model.onnx', save_as_external_data=False)"


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Refuse tensors kept outside the file or larger than it, and operators that are no part of ONNX or onnxruntime.

    Raises
    ------
    Unsafe
        Naming the tensor and its path or shape, or the operator and its domain.
    """
    return look(path, allow, within=None)


def scan_folder(folder: Path, files: list[Path], allow: Sequence[str], scan_file: Any) -> tuple[str, ...]:
    """Do what `scan` does for the model.onnx of a folder, whose tensors may be kept in other files of it."""
    return look(folder / "model.onnx", allow, within=folder)


def look(path: Path, allow: Sequence[str] = (), *, within: Path | None) -> tuple[str, ...]:
    """Do what `scan` does; of a model in a folder, tensors may be kept in other files of that folder."""
    model = _read(path)
    own = {f.domain for f in model.functions} | set(allow)
    for graph in (model.graph, *model.functions, *(t.algorithm for t in model.training_info)):
        for part in _parts(graph, path):
            if hasattr(part, "op_type"):
                _check_operator(part, own, path)
            else:
                _check_tensor(part, path, within)
    return ()


def _read(path: Path) -> Any:
    import onnx  # a fifth of a second, which other formats need not wait for

    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unsafe(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as e:  # protobuf's implementations raise errors of their own
        raise Unsafe(f"{path.name} is no readable ONNX file ({str(e)[:200]}); it was not loaded") from e
    if not model.graph.node and not model.graph.output:
        raise Unsafe(f"{path.name} holds no graph: it is no ONNX model, or a torn one; it was not loaded")
    return model


def _parts(graph: Any, path: Path) -> Iterator[Any]:
    """Return all nodes and tensors of a graph and of those within it."""
    waiting = [(graph, 0)]
    while waiting:
        inner, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Unsafe(f"{path.name} nests graphs deeper than {MAX_DEPTH}; it was not loaded")
        yield from getattr(inner, "initializer", ())
        for sparse in getattr(inner, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for node in inner.node:
            yield node
            for attribute in node.attribute:
                yield from _tensors(attribute)
                waiting += [(g, depth + 1) for g in (attribute.g, *attribute.graphs) if g.ByteSize()]


def _tensors(attribute: Any) -> Iterator[Any]:
    sparse = [s for s in (attribute.sparse_tensor, *attribute.sparse_tensors) if s.ByteSize()]
    yield from (t for t in (attribute.t, *attribute.tensors) if t.ByteSize())
    yield from (t for s in sparse for t in (s.values, s.indices))


def _check_operator(node: Any, own: set[str], path: Path) -> None:
    if node.op_type in ACTING or (node.domain not in DOMAINS and node.domain not in own):
        raise Unsafe(
            f"{path.name}: node {node.name!r} asks for {node.op_type} of {node.domain or 'ai.onnx'!r}, which is no "
            "operator of ONNX or onnxruntime, or runs code; it was not loaded. Export the model with standard operators"
        )


def _check_tensor(tensor: Any, path: Path, within: Path | None) -> None:
    if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
        _check_outside(tensor, path, within)
        return
    named, shape = f"{path.name}: tensor {tensor.name!r}", list(tensor.dims)
    if any(n < 0 for n in shape):
        raise Unsafe(f"{named} has the shape {shape}, which no tensor has; it was not loaded")
    held = tensor.ByteSize()
    if prod(shape) > 16 * held:  # a varint takes a byte at least; raw data has at most two elements in one
        raise Unsafe(f"{named} has the shape {shape} and only {held:,} bytes; it was not loaded")


def _check_outside(tensor: Any, path: Path, within: Path | None) -> None:
    location = next((e.value for e in tensor.external_data if e.key == "location"), "")
    named = f"{path.name}: tensor {tensor.name!r} is kept in {location!r}"
    if _leaves(location):
        raise Unsafe(f"{named}, outside the folder of the model; it was not loaded. {ALONE}")
    if within is None:
        raise Unsafe(f"{named}, and a file alone is imported; it was not loaded. {ALONE}")
    file = path.parent / location
    if file.is_symlink() or not file.is_file() or not file.resolve().is_relative_to(within.resolve()):
        raise Unsafe(f"{named}, which is no file of the folder; it was not loaded. {ALONE}")


def _leaves(location: str) -> bool:
    both = PurePosixPath(location), PureWindowsPath(location)
    return not location or any(p.is_absolute() or p.drive or p.root or ".." in p.parts for p in both)
