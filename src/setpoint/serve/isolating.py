"""Rows that end a model are refused at the door, before it is asked."""

from collections.abc import Callable, Sequence

from setpoint.domain.isolation import SHORT, Isolation
from setpoint.domain.row_digests import digests_of
from setpoint.errors import Isolated
from setpoint.serve.form import Form, Rows


class Isolations:
    """The isolations of one version.

    Parameters
    ----------
    isolations : sequence of Isolation
    form : Form
        Of the version.
    marked : callable
        Returns a digest as isolations name it.
    """

    def __init__(self, isolations: Sequence[Isolation], form: Form, marked: Callable[[str], str] = str) -> None:
        self._by_row = {row: isolation for isolation in isolations for row in isolation.rows}
        self._form, self._marked = form, marked

    def check(self, rows: Rows) -> None:
        """Refuse a request that has such a row.

        Raises
        ------
        Isolated
            With the row, the repair (`by`) and what to do.
        """
        columns = self._form.stack([Rows(rows.n, rows.columns)])
        for at, digest in enumerate(digests_of(columns, self._form.names)):
            isolation = self._by_row.get(marked := self._marked(digest))
            if isolation is not None:
                where = f"row {at} of this request is isolated ({marked[:SHORT]}, {isolation.id})"
                why = f"{isolation.version} ended or hung each time it was asked it"
                text = f"{where}: {why}. Send the request without it, or ask the operator"
                raise Isolated(text, isolation.id)
