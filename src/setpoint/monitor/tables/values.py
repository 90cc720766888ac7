"""What a comparison says."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from setpoint.domain.value import value
from setpoint.monitor.overview.values import Bars
from setpoint.monitor.tables.html import page

if TYPE_CHECKING:
    import pandas as pd

    from setpoint.monitor.joint import JointChange


@value
class ColumnComparison:
    """What became of one column.

    `kind` is empty where nothing changed; `effect` is what `detail` puts into words. `low` is the lower confidence
    bound of the effect that decided, or that came nearest to its `floor`. `counted` says how the column was compared.
    Of the distances, `wasserstein` is in standard deviations of the reference and `jensen_shannon` in base 2; None
    where there is nothing to measure.
    """

    column: str
    changed: bool
    kind: str = ""
    effect: float = 0.0
    detail: str = ""
    counted: str = ""
    low: float | None = None
    floor: float | None = None
    nulls_reference: float | None = None
    nulls_current: float | None = None
    psi: float | None = None
    jensen_shannon: float | None = None
    ks: float | None = None
    wasserstein: float | None = None
    total_variation: float | None = None
    weight: float = 0.0
    mean_reference: float | None = None
    mean_current: float | None = None
    std_reference: float | None = None
    std_current: float | None = None
    bars: Bars | None = None  # both distributions

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in FIELDS}


FIELDS = (
    "column", "changed", "kind", "effect", "detail", "counted", "low", "floor", "nulls_reference", "nulls_current",
    "psi", "jensen_shannon", "ks", "wasserstein", "total_variation",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two tables compared: `columns` in order of importance, those that changed first.

    `relations` says what became of what columns do together, where that was asked for.
    """

    reference_rows: int
    current_rows: int
    columns: tuple[ColumnComparison, ...] = field(default=())
    relations: "JointChange | None" = None
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the columns that changed, the most important first."""
        return tuple(column.column for column in self.columns if column.changed)

    def __getitem__(self, column: str) -> ColumnComparison:
        """Return what became of a column; KeyError for one that neither table has."""
        return {each.column: each for each in self.columns}[column]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: `rows` of both, `columns`, names of those `changed`, `relations` and `notes`."""
        return {
            "rows": {"reference": self.reference_rows, "current": self.current_rows},
            "columns": [column.to_dict() for column in self.columns],
            "changed": list(self.changed),
            "relations": asdict(self.relations) if self.relations else None,
            "notes": list(self.notes),
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a column."""
        import pandas as pd

        return pd.DataFrame([column.to_dict() for column in self.columns], columns=list(FIELDS))

    def __str__(self) -> str:
        """Return the changes as lines of text."""
        told = [f"{self._summary}:" if self.changed else f"{self._summary}."]
        wide = max((len(name) for name in self.changed), default=0)
        told += [f"  {c.column:<{wide}}  {c.kind:<14}  {c.detail}" for c in self.columns if c.changed]
        return "\n".join([*told, *self.notes])

    @property
    def _summary(self) -> str:
        rows = f"{self.reference_rows:,} rows and {self.current_rows:,} rows"
        return f"{len(self.changed) or 'No'} of {len(self.columns)} columns changed between {rows}"

    def to_html(self) -> str:
        """Return one page that needs nothing else."""
        from setpoint.monitor.report.comparison import comparison_page

        return comparison_page(self)

    def _repr_html_(self) -> str:
        return page(self._summary, [column.to_dict() for column in self.columns], self.notes)
