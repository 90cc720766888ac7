"""What a table's columns hold, each alone and together: the contract learnt from a reference."""

from setpoint.domain.value import field, value


@value
class Rule:
    """Something that holds between columns on (almost) every row.

    Parameters
    ----------
    kind : str
        `given` (a person's), `equal`, `equation`, `order`, `nulls`, `implies` or `determines`.
    text : str
        A condition (see `setpoint.domain.where`) that is true where the rule is kept; of a dependency its name,
        `zip determines city`.
    columns : tuple of str
        Those it is about.
    among : str
        A condition on the rows that the rule speaks of: the premise of an implication. Empty: all.
    levels : dict
        Of a dependency: what each value of the first column goes with.
    rows : int
        Rows of the reference it could be judged on.
    broken : float
        The share of them that broke it.
    """

    kind: str
    text: str
    columns: tuple[str, ...]
    among: str = ""
    levels: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    broken: float = 0.0


@value
class ColumnTerms:
    """What one column holds.

    `dtype` is `float64`, `int64`, `bool`, `string` or `timestamp`. `nulls` is the reference's share of nulls, and
    `most_nulls` the largest share a table may have. `low` and `high` bound numbers, a margin included; `levels` are all
    the values of a text with few. `unique` values never repeat, `increasing` ones never fall from row to row.
    """

    name: str
    dtype: str
    nulls: float = 0.0
    most_nulls: float = 0.0
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    unique: bool = False
    increasing: bool = False


@value
class DataContract:
    """The terms of the columns and the rules between them, learnt from so many rows."""

    rows: int = 0
    columns: tuple[ColumnTerms, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def given(self) -> tuple[str, ...]:
        """The rules that a person wrote."""
        return tuple(rule.text for rule in self.rules if rule.kind == "given")


@value
class Breach:
    """One term or rule that a table breaks: `share` of `rows` rows, `limit` what the contract allows."""

    subject: str
    what: str
    share: float
    limit: float
    rows: int
    examples: tuple[int, ...] = ()  # row numbers, from 0
