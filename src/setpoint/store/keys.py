"""Where the keys of an installation lie: in the environment, or in a file of the home that only its owner may read.

Imported by serving workers, so it needs nothing beyond the standard library and msgspec.
"""

import contextlib
import os
import stat
from pathlib import Path

from setpoint.domain.keys import Keys, keys_of, new_key
from setpoint.errors import InvalidInput, Unusable

KEY, KNOWN = "key", "key.id"


class HomeKeys:
    """Fulfils `ports.KeyStore`.

    `home/key.id` tells which key hashes were made with, so that another one is not taken for it: outcomes would no
    longer find their predictions, and nobody would see why.

    Parameters
    ----------
    home : Path
    given : str, optional
        Keys from the environment, which win over the file.
    """

    def __init__(self, home: Path, given: str | None = None) -> None:
        self._file, self._known, self._given = home / KEY, home / KNOWN, given

    def keys(self) -> Keys | None:
        """Return the keys, if there are any.

        Raises
        ------
        InvalidInput
            If they are malformed.
        Unusable
            If others may read the file, or it holds other keys than those that were used.
        """
        keys = self._read()
        known = self._read_known()
        if keys is not None and known is not None and known != keys.ids[-1]:
            raise Unusable(
                f"this home was recorded with key {known}, and the last one here is {keys.ids[-1]}: hashes would no "
                f"longer fit. Put {known} last; or remove {self._known} to begin anew"
            )
        return keys

    def ensure(self) -> Keys:
        """Return the keys; the first time, make one.

        Raises
        ------
        InvalidInput, Unusable
            As `keys` does; and if the key that was used is gone, or the home cannot be written.
        """
        keys = self.keys()
        try:
            if keys is None:
                if (known := self._read_known()) is not None:
                    raise Unusable(
                        f"key {known} of this home is gone: restore {self._file} or SETPOINT_KEY. Without it nothing "
                        f"encrypted can be read, and hashes begin anew once you remove {self._known}"
                    )
                with contextlib.suppress(FileExistsError):  # another process was faster
                    write_private(self._file, new_key() + "\n")
                keys = self._read()
                assert keys is not None
            if not self._known.exists():
                self._known.write_text(keys.ids[-1] + "\n")
        except OSError as e:
            if isinstance(e, Unusable):
                raise
            raise Unusable(f"{self._file} cannot be written: {e.strerror}") from e
        return keys

    def _read(self) -> Keys | None:
        if self._given is not None:
            return _checked(self._given, "SETPOINT_KEY")
        try:
            with self._file.open() as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if mode & 0o077:
                    raise Unusable(f"{self._file} can be read by others (mode {mode:o}): chmod 600 {self._file}")
                return _checked(file.read(), str(self._file))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as e:
            if isinstance(e, Unusable):
                raise
            raise Unusable(f"{self._file} cannot be read: {getattr(e, 'strerror', 'it is no text')}") from None

    def _read_known(self) -> str | None:
        try:
            return self._known.read_text().strip() or None
        except FileNotFoundError:
            return None


def _checked(text: str, where: str) -> Keys:
    try:
        return keys_of(text)
    except InvalidInput as e:
        raise InvalidInput(f"{where}: {e}") from None


def write_private(file: Path, text: str) -> None:
    """Write a file that appears whole, with nothing for others from its first moment."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
        os.link(new, file)  # which does not replace one that is there
    finally:
        os.close(descriptor)
        new.unlink()
