"""Walk a pickle, or a joblib file with its arrays in between, and name what it would import, without importing it."""

import bz2
import io
import lzma
import pickle
import re
import zlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from picklescan.scanner import scan_pickle_bytes

from setpoint.errors import Unsafe
from setpoint.govern.known import is_known
from setpoint.govern.words import listed, refuse_strangers

MAX_BYTES = 2 * 2**30
MAX_RATIO = 1_000
STEP = 2**20
_Machine: Any = pickle._Unpickler  # the one in Python: joblib extends it too, and steps can be looked at
Known = Callable[[str, Collection[str]], bool]
# beside those that picklescan knows: they make code, or reach it by its name
HARMFUL = frozenset({
    "builtins.__import__", "builtins.getattr", "importlib.import_module", "types.CodeType", "types.FunctionType",
    "marshal.loads",
})  # fmt: skip
AGAIN = "save it again, best with skops.io.dump(model, 'model.skops')"
WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types in a pickle or joblib file that only `allow` vouches for; Unsafe names those nobody knows."""
    return vouched(path.name, globals_of(path), allow)


def vouched(
    name: str, found: frozenset[str], allow: Sequence[str], known: Known = is_known, again: str = AGAIN
) -> tuple[str, ...]:
    """Return the imports of a pickle that only `allow` vouches for.

    Raises
    ------
    Unsafe
        Naming those that run commands or code, whatever `allow` says, or else those that are not known.
    """
    strangers = {name for name in found if not known(name, allow)}
    harmful = condemned(frozenset(strangers | (found & set(allow))))
    if harmful:
        raise Unsafe(
            f"{name} imports {listed(harmful)}, which run commands or code; it was not loaded, and `allow:` "
            f"cannot change that. If it is yours, take that out of it and {again}"
        )
    refuse_strangers(name, strangers)
    return tuple(sorted(found & set(allow)))


def globals_of(path: Path) -> frozenset[str]:
    """Return the full names of all classes and functions that loading the file would import, nested arrays included.

    The pickle machine runs for real, on stand-ins: every import gives an inert class, so nothing of the file acts.

    Raises
    ------
    Unsafe
        If the file cannot be followed to its end: torn, of a form that hides what it imports, or too large unpacked.
    """
    with _unpacked(path) as content:
        return followed(_JoblibWalker(content), path.name)


def followed(walker: "Walker", name: str, again: str = AGAIN) -> frozenset[str]:
    """Run a walker to the end of its pickle and return what it found; Unsafe if it cannot be followed."""
    try:
        walker.load()
    except Exception as e:  # a hostile or torn file can fail anywhere in the machine
        said = f"{type(e).__name__}: {str(e)[:200]}".removesuffix(": ")
        after = f" after importing {listed(walker.found)}" if walker.found else ""
        raise Unsafe(
            f"{name} is damaged, or no pickle: it cannot be followed{after} ({said}); it was not loaded. If it is "
            f"yours, {again}"
        ) from e
    return frozenset(walker.found)


def condemned(names: frozenset[str]) -> frozenset[str]:
    """Return the names that are known to be dangerous."""
    found = set(names & HARMFUL)
    for name in names:
        module, _, function = name.partition(":") if ":" in name else name.rpartition(".")
        lone = f"c{module}\n{function}\n.".encode()
        if scan_pickle_bytes(io.BytesIO(lone), name).issues_count:
            found.add(name)
    return frozenset(found)


class _Inert:
    """Stands for anything a pickle makes: takes every state, does nothing."""

    def __new__(cls, *args: Any, **state: Any) -> "_Inert":
        if _Wrapper in args:
            raise pickle.UnpicklingError("an array wrapper is made in an unusual way")
        return object.__new__(cls)

    def __init__(self, *args: Any, **state: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        pass

    def extend(self, items: Any) -> None:
        pass

    def add(self, item: Any) -> None:
        pass

    def update(self, items: Any) -> None:
        pass


class _Wrapper:
    """Stands for joblib's array wrapper: after its state come the bytes of the array, outside the pickle."""

    shape: Any
    dtype: Any


class Walker(_Machine):  # type: ignore[misc]
    """The pickle machine on stand-ins."""

    def __init__(self, file: BinaryIO, found: set[str] | None = None) -> None:
        super().__init__(file)
        self.file = file
        self.found: set[str] = set() if found is None else found

    def find_class(self, module: Any, name: Any) -> Any:
        if type(module) is not str or type(name) is not str:
            raise pickle.UnpicklingError("the name of an import is not written out")
        # a dotted name reaches through attributes, into whatever a module happens to import: never a known one
        self.found.add(f"{module}:{name}" if "." in name else f"{module}.{name}")
        if (module, name) == WRAPPER:
            return _Wrapper
        if (module, name) == ("numpy", "dtype"):
            return _dtype
        return type(name.rpartition(".")[2] or "nameless", (_Inert,), {})

    def inert(self) -> Any:
        """Return a stand-in for a thing that is kept outside the pickle."""
        return _Inert()

    # What is made is only looked at where names stand: nothing is hashed, which nested tuples make endless, and no
    # memory is taken on a file's word.
    dispatch = dict(_Machine.dispatch)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._set(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], dict):
            self.stack[-1].update((k, v) for k, v in zip(items[::2], items[1::2], strict=True) if type(k) is str)

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set(items)

    def load_additems(self) -> None:
        self.pop_mark()

    def load_frozenset(self) -> None:
        self.pop_mark()
        self.append(_Inert())

    def load_bytearray8(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        passed = self.read(size)
        if len(passed) != size:
            raise pickle.UnpicklingError("the file ends inside a bytearray")
        self.append(passed)

    dispatch |= {
        pickle.SETITEMS[0]: load_setitems,
        pickle.SETITEM[0]: load_setitem,
        pickle.DICT[0]: load_dict,
        pickle.ADDITEMS[0]: load_additems,
        pickle.FROZENSET[0]: load_frozenset,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }

    def get_extension(self, code: int) -> Any:
        raise pickle.UnpicklingError("an import by extension code is not written out")


class _JoblibWalker(Walker):
    """Follows joblib's own form too: the bytes of an array stand in the file right after its wrapper's state."""

    dispatch = dict(Walker.dispatch)

    def load_build(self) -> None:
        super().load_build()
        if isinstance(self.stack[-1], _Wrapper):
            self._skip(self.stack.pop())
            self.stack.append(_Inert())

    dispatch[pickle.BUILD[0]] = load_build

    def _skip(self, wrapper: _Wrapper) -> None:
        shape, dtype = wrapper.shape, wrapper.dtype
        if not isinstance(dtype, np.dtype) or not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError("the shape or type of an array is not written out")
        if dtype.hasobject:
            Walker(self.file, self.found).load()
            return
        if getattr(wrapper, "numpy_array_alignment_bytes", None) is not None:
            self._pass(int.from_bytes(self._pass(1), "little"))
        size = dtype.itemsize
        for n in shape:
            size *= n
            if size > MAX_BYTES:
                raise pickle.UnpicklingError("an array is larger than any model may be")
        self._pass(size)

    def _pass(self, size: int) -> bytes:
        passed = self.file.read(size)
        if len(passed) != size:
            raise pickle.UnpicklingError("the file ends inside an array")
        return passed


def _dtype(code: Any, align: Any = False, copy: Any = False) -> Any:
    """Make a real numpy dtype: without its item size the bytes of an array cannot be passed over."""
    if type(code) is not str or not re.fullmatch(r"[|<>=]?[a-zA-Z]\d{0,9}", code):
        raise pickle.UnpicklingError("the type of an array is not written out")
    return np.dtype(code)


def _unpacked(path: Path) -> BinaryIO:
    """Open a file for the walk: compressed ones are unpacked in memory, within bounds."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unsafe(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are scanned")
    with path.open("rb") as file:
        head = file.read(6)
    inflate = _decompressor(head, path)
    return path.open("rb") if inflate is None else _inflated(path, inflate, size)


def _decompressor(head: bytes, path: Path) -> Any:
    """Return what undoes the compression joblib sees in these first bytes, None if it sees none."""
    if head.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31)
    if head.startswith(b"x"):
        return zlib.decompressobj(15)
    if head.startswith(b"BZ"):
        return bz2.BZ2Decompressor()
    if head.startswith((b"\x5d\x00", b"\xfd7zXZ")):
        return lzma.LZMADecompressor()
    if head.startswith((b"ZF", b"\x04\x22\x4d\x18")):
        raise Unsafe(
            f"{path.name} is compressed in a way that is not scanned (lz4, or joblib before 0.10); save it again"
        )
    return None


def _inflated(path: Path, inflate: Any, size: int) -> BinaryIO:
    content, most = io.BytesIO(), min(MAX_BYTES, max(size * MAX_RATIO, STEP))
    with path.open("rb") as file:
        while piece := file.read(STEP):
            try:
                content.write(inflate.decompress(piece, 64 * STEP))
                _drain(inflate, content, most)
            except (zlib.error, lzma.LZMAError, OSError, EOFError) as e:
                raise Unsafe(f"{path.name} cannot be unpacked: {e}") from e
            if content.tell() > most:
                raise Unsafe(f"{path.name} unpacks to more than {most:,} bytes from {size:,}; it was not loaded")
            if inflate.eof:
                break
    content.seek(0)
    return content


def _drain(inflate: Any, content: io.BytesIO, most: int) -> None:
    """Take what is left of the piece, in steps, until the bound is passed."""
    while content.tell() <= most and not inflate.eof:
        if hasattr(inflate, "unconsumed_tail"):  # zlib
            if not inflate.unconsumed_tail:
                return
            content.write(inflate.decompress(inflate.unconsumed_tail, 64 * STEP))
        else:
            if inflate.needs_input:
                return
            content.write(inflate.decompress(b"", 64 * STEP))
