"""The user's own sources of inputs: asked in processes of their own, again by their file as it now stands."""

from pathlib import Path

from setpoint.domain.audited import Refetched
from setpoint.domain.records import Records
from setpoint.runtime.refetch import Refetcher


class OwnSources:
    """Fulfils `ports.Source` with functions in the user's files."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[int, Refetcher]] = {}  # with the time their file was written

    def fetch(self, function: str, records: Records) -> Refetched:
        """Ask a function for rows."""
        return self._function(function).fetch(records.id, records.time, records.inputs)

    def _function(self, where: str) -> Refetcher:
        file = Path(where.rpartition(":")[0])
        written = file.stat().st_mtime_ns if file.is_file() else 0
        known, function = self._functions.get(where, (None, None))
        if function is not None and known == written:
            return function
        if function is not None:
            function.close()
        function = Refetcher(where)
        self._functions[where] = written, function
        return function
