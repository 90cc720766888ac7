"""A version of a model: whole, immutable, digested."""

from datetime import datetime

from setpoint.domain.calibration import Calibration
from setpoint.domain.schema import Schema
from setpoint.domain.value import field, value

FORMAT = 3  # an older Setpoint refuses it: it would leave calibration and residual out
RESIDUAL_FILE = "residual.onnx"
RESIDUAL_FILES = ("residual.joblib", RESIDUAL_FILE)


@value
class Check:
    """One line of the parity report: rows of one kind, answered by the framework and by the converted model.

    `name` is `reference`, or the kind of odd row; `largest`, `beyond` and `flips` are those of `Parity`. `where` is the
    row that is furthest apart: its number in the reference, or the odd value in it. `note` says what else there is to
    say, such as that the framework refuses these rows.
    """

    name: str
    rows: int
    ok: bool
    largest: float = 0.0
    beyond: float = 0.0
    flips: float = 0.0
    where: str = ""
    note: str = ""


@value
class Parity:
    """How far a converted model's answers are from the framework's own, over the reference rows.

    `largest` is the largest absolute difference of two scores that are numbers, `flips` the share of rows (fraction)
    whose decision differs: for regression, rows beyond `tolerance`. `beyond` is the share of rows whose score differs
    by more than `tolerance`, whatever the task. `worst_row` is the reference row furthest apart. `rank_changes` is the
    share of neighbours in the order of the scores that swap places. `ok` holds for the reference and for every check of
    `checks`, which include rows with odd values.
    """

    rows: int
    largest: float
    flips: float
    tolerance: float
    ok: bool
    worst_row: int | None = None
    beyond: float = 0.0
    rank_changes: float = 0.0
    checks: tuple[Check, ...] = ()


@value
class Price:
    """What a variant of lower precision costs on the reference: its mean loss against the framework's.

    `change` and its upper bound `most` (one-sided 95 %) are fractions of the framework's mean loss.
    """

    change: float
    most: float
    flips: float
    ok: bool


@value
class Variant:
    """One way of running the model that was tried: timings, parity, and why it won or lost."""

    runtime: str  # "onnxruntime" or "native"
    precision: str = "fp32"
    p50_us: float | None = None  # one row
    rows_per_s: float | None = None  # batches of 1,024 rows
    parity: Parity | None = None
    threads: int = 1
    price: Price | None = None  # of a precision that is not meant to give the same answers
    chosen: bool = False
    why: str = ""


@value
class Lineage:
    """Where a version comes from: data, code, packages, parent, who asked for it, and why.

    `train`, `source` and `allow` are how it is retrained: as in setpoint.yaml, and the folder of that. `train_sha256`
    is the digest of the file that `train` names, `setpoint_sha256` that of this program's own code. `kept_from` is
    what the process that first loaded the model was kept from: "files" beyond its own, the "network". `set_sha256` is
    the digest of the content of the training set that Setpoint made, `method` how it was made from its parent
    (`update.Method`). Of its `rows` the last `lined_rows` taught the model nothing: its line was fitted on them. What a
    manifest was written without is empty.
    """

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
    train: str = ""
    train_sha256: str = ""
    source: str = ""
    allow: tuple[str, ...] = ()
    setpoint: str = ""
    setpoint_sha256: str = ""
    python: str = ""
    platform: str = ""
    kept_from: tuple[str, ...] = ()
    set_sha256: str = ""
    method: str = ""
    lined_rows: int = 0


@value
class Seal:
    """What holds a manifest, and so the whole bundle, to what was stored, and by whom (`bundle.seal`).

    `manifest` is the SHA-256 of bundle.json; `public_key` and `signature` (Ed25519) are in hexadecimal, and empty where
    nobody signed; `signer` is short for the public key. `check` is the SHA-256 of all these, so that a flipped byte is
    found where nothing can verify signatures.
    """

    manifest: str
    signer: str = ""
    public_key: str = ""
    signature: str = ""
    check: str = ""


@value
class Removal:
    """The files of a version were removed; its manifest stays, for its records are read by it."""

    version: str
    at: datetime
    by: str
    bytes: int  # that became free


@value
class Residual:
    """A small model beside a version's own, which corrects its raw answers: of two classes, their logits.

    `features` are those that it takes, all of them numbers, in the schema's order. It lies in the bundle as it was
    fitted, and as it is served: `RESIDUAL_FILES`.
    """

    features: tuple[str, ...]


@value
class ModelVersion:
    """The manifest of a bundle (`bundle.json`): everything a rollback restores, byte for byte.

    `framework` names the importer that reads `artifact` ("sklearn", "keras"); `runtime` is how this version is served;
    `files` maps each file of the bundle to its SHA-256; `threshold` is the decision threshold of a binary task, and 0
    where there are several classes: the likeliest one is decided, however likely it is. `residual` corrects the
    model's raw answers before that, and `calibration` shifts and stretches what comes out; None: nothing does.
    Of `format` 1 there is no seal, and the lineage says less.
    """

    format: int = FORMAT
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
    residual: Residual | None = None
    calibration: Calibration | None = None
    reference_metrics: dict[str, float] = field(default_factory=dict)

    @property
    def threads(self) -> int:
        """Threads that one answer may take."""
        return next((v.threads for v in self.variants if v.chosen), 1)
