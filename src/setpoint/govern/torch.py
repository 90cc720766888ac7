"""Look into PyTorch's archives: state dicts, TorchScript and exported programs, and the pickles in them."""

import io
import json
import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from setpoint.errors import Unsafe
from setpoint.govern.archives import check_zip, read_member
from setpoint.govern.pickles import Walker, followed, vouched
from setpoint.govern.words import listed

PICKLES = (".pkl", ".pickle")
NATIVE = (".so", ".dll", ".dylib", ".o", ".cubin", ".cpp", ".cu")
MODULE = re.compile(r"torch\.(?:nn\.modules|nn\.\w+)\..*|__main__\..*|torchvision\.models\..*|torch\.fx\..*")
OBJECTS = ("custom_obj_", "opaque_obj_")
SAVE = (
    "save what it learnt with torch.save(model.state_dict(), 'model.pt'), or the whole as a program with "
    "torch.export.save(torch.export.export(model, (example,)), 'model.pt2')"
)
KNOWN = tuple(
    re.compile(pattern)
    for pattern in (
        r"torch\._utils\._rebuild_(?:tensor|tensor_v2|tensor_v3|parameter|parameter_with_state|sparse_tensor|qtensor|"
        r"meta_tensor_no_storage|wrapper_subclass|nested_tensor)",
        r"torch\.(?:Bool|Byte|Char|Short|Int|Long|Half|BFloat16|Float|Double|ComplexFloat|ComplexDouble|QInt8|QInt32|QUInt8)Storage",
        r"torch\.storage\.(?:TypedStorage|UntypedStorage|_LegacyStorage)",
        r"torch\.(?:u?int|float|bfloat|complex|q?u?int)\d+(?:_\w+)?|torch\.(?:bool|half|double|float|long|int|short)",
        r"torch\.(?:Size|device|Tensor|strided|per_tensor_affine|per_channel_affine|contiguous_format)",
        r"torch\.nn\.parameter\.(?:Parameter|Buffer)|torch\.serialization\._get_layout",
        r"torch\._tensor\._rebuild_from_type_v2",  # runs what it is given, which must be known too
        r"torch\.jit\._pickle\.(?:build_\w+|restore_type_tag)",
        r"__torch__(?:\.\w+)+:?[\w.]*",  # TorchScript's own classes, which its runtime makes
        r"collections\.(?:OrderedDict|defaultdict|Counter)",
        r"(?:builtins|__builtin__)\.(?:bool|bytearray|bytes|complex|dict|float|frozenset|int|list|set|slice|str|tuple)",
        r"numpy\.(?:dtype|ndarray)|numpy\.(?:_core|core)\.multiarray\.(?:_reconstruct|scalar)",
    )
)
SCRIPT_CALL = re.compile(
    r"\b(?:torch|ops\.\w+)\.(?:from_file|save|load)\b|\bops\.(?!prim\b|aten\b|quantized\b)\w+\.\w+"
)


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types that only `allow` vouches for.

    Raises
    ------
    Unsafe
        Naming what the pickles inside would import, native code, or TorchScript's calls that act on files.
    """
    if not zipfile.is_zipfile(path):
        raise Unsafe(
            f"{path.name} is no archive of PyTorch 1.6 or later; it was not loaded. Load it where you trust it "
            f"and {SAVE}"
        )
    check_zip(path)
    with zipfile.ZipFile(path) as archive:
        return tuple(sorted(set(_archive(archive, path.name, allow, 0))))


def _archive(archive: zipfile.ZipFile, where: str, allow: Sequence[str], depth: int) -> Iterator[str]:
    for name in archive.namelist():
        lower, inside = name.lower(), f"{where}: {name}"
        if lower.endswith(NATIVE):
            raise Unsafe(
                f"{where} holds native code, {name!r}; it was not loaded. Export the program without compiling"
            )
        if lower.endswith(PICKLES):
            yield from _pickle(read_member(archive, name, inside), inside, allow)
        elif lower.endswith(".py") and "code" in PurePosixPath(lower).parts:
            _script(read_member(archive, name, inside).decode(errors="replace"), inside)
        elif lower.endswith("_config.json") or PurePosixPath(lower).name.startswith(OBJECTS):
            _payloads(archive, name, where)
        elif lower.endswith((".pt", ".pth")):
            yield from _nested(read_member(archive, name, inside), inside, allow, depth + 1)


def _payloads(archive: zipfile.ZipFile, name: str, where: str) -> None:
    """Refuse what an exported program keeps as a pickle of any object: its reader unpickles that without limits."""
    pickled = PurePosixPath(name).name.startswith(OBJECTS)
    try:
        config = {} if pickled else json.loads(read_member(archive, name, f"{where}: {name}")).get("config", {})
        pickled = pickled or any(part["use_pickle"] for part in config.values())
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as e:
        raise Unsafe(f"{where}: {name} is no list of an exported program's tensors; it was not loaded") from e
    if pickled:
        raise Unsafe(
            f"{where}: {name} stands for a pickled object, which can run any code; it was not loaded. Export a program "
            "whose parameters and buffers are plain tensors"
        )


def _nested(raw: bytes, where: str, allow: Sequence[str], depth: int) -> Iterator[str]:
    if depth > 1 or not zipfile.is_zipfile(io.BytesIO(raw)):
        raise Unsafe(f"{where} is no archive of PyTorch, or nested too deeply; it was not loaded")
    check_zip(io.BytesIO(raw), where)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        yield from _archive(archive, where, allow, depth)


def _pickle(raw: bytes, where: str, allow: Sequence[str]) -> tuple[str, ...]:
    found = followed(TorchWalker(io.BytesIO(raw)), where, SAVE)
    modules = {name for name in found if MODULE.fullmatch(name) and not _known(name, allow)}
    if modules:
        raise Unsafe(
            f"{where} is a whole pickled module ({listed(modules)}), which needs its code to load and can run any; it "
            f"was not loaded. Instead, {SAVE}"
        )
    return vouched(where, found, allow, _known, SAVE)


def _known(name: str, allow: Collection[str]) -> bool:
    return name in allow or any(p.fullmatch(name) for p in KNOWN)


def _script(code: str, where: str) -> None:
    calls = {found[0] for found in SCRIPT_CALL.finditer(code)}
    if calls:
        raise Unsafe(
            f"{where} calls {listed(calls)}, which acts on files or is no operator of PyTorch; it was not loaded"
        )


class TorchWalker(Walker):
    """Follows pickles whose tensors' bytes are kept beside them."""

    def persistent_load(self, pid: Any) -> Any:
        return self.inert()
