"""A version of a model: whole, immutable, digested."""

from datetime import datetime

from setpoint.domain.schema import Schema
from setpoint.domain.value import field, value


@value
class Parity:
    """How far a converted model's answers are from the framework's own, over the reference rows.

    `largest` is the largest absolute difference of the score, `flips` the share of rows (fraction) whose decision
    differs: for regression, rows beyond `tolerance`. `beyond` is the share of rows whose score differs by more than
    `tolerance`, whatever the task. `worst_row` is the reference row of the largest difference.
    """

    rows: int
    largest: float
    flips: float
    tolerance: float
    ok: bool
    worst_row: int | None = None
    beyond: float = 0.0


@value
class Variant:
    """One way of running the model that was tried: timings, parity, and why it won or lost."""

    runtime: str  # "onnxruntime" or "native"
    precision: str = "fp32"
    p50_us: float | None = None  # one row
    rows_per_s: float | None = None  # batches of 1,024 rows
    parity: Parity | None = None
    chosen: bool = False
    why: str = ""


@value
class Lineage:
    """Where a version comes from: data, code, packages, parent, and what asked for it."""

    created: datetime
    reason: str
    artifact_sha256: str
    reference_sha256: str
    parent: str | None = None
    trained_since: datetime | None = None
    trained_until: datetime | None = None
    rows: int = 0
    packages: dict[str, str] = field(default_factory=dict)
    created_by: str = ""


@value
class ModelVersion:
    """The manifest of a bundle (`bundle.json`): everything a rollback restores, byte for byte.

    `framework` names the importer that reads `artifact` ("sklearn", "keras"); `runtime` is how this version is served;
    `files` maps each file of the bundle to its SHA-256; `threshold` is the decision threshold of a binary task.
    """

    format: int = 1
    model: str
    version: str
    framework: str
    runtime: str
    artifact: str
    schema: Schema
    lineage: Lineage
    files: dict[str, str]
    variants: tuple[Variant, ...] = ()
    threshold: float = 0.5
    reference_metrics: dict[str, float] = field(default_factory=dict)
