"""What a decoded request asks for."""

from dataclasses import dataclass

from setpoint.serve.form import Rows


@dataclass(slots=True)  # one a request: frozen would cost a microsecond
class Asked:
    """The rows, and how the answer is wanted.

    `id` is the caller's id. `outputs` are those asked for (None: all) and `binary` those wanted as raw bytes, both of
    v2; `columns` asks for the column format of v1.
    """

    rows: Rows
    id: str | None = None
    outputs: tuple[str, ...] | None = None
    binary: frozenset[str] = frozenset()
    columns: bool = False
