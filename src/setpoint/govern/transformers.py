"""Look into a directory of a Transformers model: weights as safetensors, configuration as JSON, and no code."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from setpoint.errors import Unsafe
from setpoint.govern.words import listed

MAX_JSON = 256 * 2**20
WEIGHTS = ".safetensors"
TEXTS = (".json", ".txt", ".md", ".model", ".jinja", ".gitattributes", ".yaml", ".yml")
CODE = ("auto_map", "custom_pipelines", "trust_remote_code")
SAVE = "Load it where you trust it and save it again: model.save_pretrained(folder, safe_serialization=True)"


def scan(
    folder: Path, files: list[Path], allow: Sequence[str], scan_file: Callable[..., tuple[str, ...]]
) -> tuple[str, ...]:
    """Refuse what is neither weights as safetensors nor configuration; and configuration that names code."""
    for file in files:
        name = f"{folder.name}/{file.relative_to(folder).as_posix()}"
        if file.suffix == WEIGHTS:
            check_safetensors(file, name)
        elif file.suffix == ".json":
            _check_json(file, name)
        elif file.suffix not in TEXTS and file.name not in TEXTS and file.name != "LICENSE":
            raise Unsafe(f"{name} can hold code (weights must be {WEIGHTS}); the folder was not loaded. {SAVE}")
    if not any(file.suffix == WEIGHTS for file in files):
        raise Unsafe(f"{folder.name} holds no weights as {WEIGHTS}. {SAVE}")
    return ()


def check_safetensors(file: Path, name: str) -> None:
    """Check the header of a safetensors file: each tensor within the file, of as many bytes as its shape says."""
    size = file.stat().st_size
    with file.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        if size < 10 or length > min(size - 8, MAX_JSON):
            raise Unsafe(f"{name} is no safetensors file: its header would have {length:,} bytes")
        header = _json(content.read(length), name)
    for tensor, told in header.items() if isinstance(header, dict) else [("", None)]:
        if tensor != "__metadata__" and not _possible(told, size - 8 - length):
            raise Unsafe(f"{name}: tensor {tensor!r} has the impossible shape or place {str(told)[:200]}")


def _possible(told: Any, size: int) -> bool:
    try:
        (start, end), shape = told["data_offsets"], told["shape"]
        count = 1
        for n in shape:
            count *= n
        whole = all(type(n) is int and n >= 0 for n in (start, end, *shape))
        return whole and start <= end <= size and (end - start) * 8 >= count * 4
    except (TypeError, KeyError, ValueError):
        return False


def _check_json(file: Path, name: str) -> None:
    if file.stat().st_size > MAX_JSON:
        raise Unsafe(f"{name} has {file.stat().st_size:,} bytes; at most {MAX_JSON:,} are read")
    code = set(_keys(_json(file.read_bytes(), name))) & set(CODE)
    if code:
        raise Unsafe(
            f"{name} names code of its own ({listed(code)}); it was not loaded. Use a model of the architectures that "
            "Transformers itself has, or deploy your own code as `artifact: model.py:Class`"
        )


def _json(raw: bytes, name: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise Unsafe(f"{name} is no JSON: {str(e)[:200]}") from e


def _keys(config: Any) -> Iterator[str]:
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
