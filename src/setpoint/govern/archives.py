"""Bounds of archives: what a zip may hold before anything of it is unpacked."""

import lzma
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from setpoint.errors import Unsafe

MAX_UNPACKED = 4 * 2**30
MAX_RATIO = 1_000
MAX_MEMBERS = 100_000
MAX_CONFIG = 64 * 2**20
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError, KeyError
)  # fmt: skip


def check_zip(path: Path | BinaryIO, name: str = "") -> None:
    """Refuse an archive that would unpack outside its folder, or to more than any model needs."""
    called = path.name if isinstance(path, Path) else name
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except BROKEN as e:
        raise Unsafe(f"{called} is no readable {PurePosixPath(called).suffix} archive: {e}") from e
    if len(members) > MAX_MEMBERS:
        raise Unsafe(f"{called} holds {len(members):,} members; at most {MAX_MEMBERS:,} are read")
    for member in members:
        _check_member(member, called)
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED:
        raise Unsafe(f"{called} unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED:,} are read")
    names = {member.filename.lower() for member in members}
    if len(names) < len(members):  # readers differ in which of the two they take
        raise Unsafe(f"{called} holds two members of one name; it was not loaded")


def _check_member(member: zipfile.ZipInfo, called: str) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if not name.parts or name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise Unsafe(f"{called} holds {member.filename!r}, which would unpack outside its folder; it was not loaded")
    if member.external_attr >> 28 == 0xA:
        raise Unsafe(f"{called} holds {member.filename!r}, a link; it was not loaded")
    if member.file_size > max(MAX_RATIO * member.compress_size, MAX_CONFIG):
        sizes = f"{member.compress_size:,} to {member.file_size:,} bytes"
        raise Unsafe(f"{called}: {member.filename!r} unpacks from {sizes}; it was not loaded")


def read_member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """Return the content of a member; Unsafe if it is torn, encrypted, or packed in a way that is not known."""
    try:
        return archive.read(name)
    except BROKEN as e:
        raise Unsafe(f"{where} cannot be unpacked: {type(e).__name__}: {e}; it was not loaded") from e
