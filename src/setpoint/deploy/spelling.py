"""Names of a model's inputs as the reference spells them."""

from collections.abc import Sequence


def spelled(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return a model's names for its inputs, those of LightGBM as the reference spells them.

    LightGBM writes a blank in a name as an underscore: `mean_radius` is the column `mean radius` if no column has the
    name itself, and no other becomes it.
    """
    written: dict[str, list[str]] = {}
    for column in columns:
        written.setdefault(column.replace(" ", "_"), []).append(column)
    exact = set(columns)
    return tuple(n if n in exact or len(written.get(n, ())) != 1 else written[n][0] for n in names)
