"""Settings of the process (environment) and the setpoint file of a model (setpoint.yaml)."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from setpoint.config.alerts import AlertsPart
from setpoint.config.audit import AuditPart
from setpoint.config.baseline import BaselinePart
from setpoint.config.envelope import ENVELOPE, EnvelopePart, PromotePart, RetrainPart
from setpoint.config.metrics import METRICS, QUALITY, is_own, is_quality
from setpoint.config.objectives import GainPart, ObjectivePart, misfit
from setpoint.config.outcomes import OutcomesPart
from setpoint.config.owners import Link, Name, OwnerPart
from setpoint.config.rollout import MarginsPart, RolloutPart, StepPart
from setpoint.config.units import SECONDS, Duration, Part, Size, duration, fraction, nearest, seconds, size
from setpoint.config.update import CostPart, SetPart, UpdatePart
from setpoint.errors import InvalidInput

__all__ = [
    "FILE_NAME",
    "METRICS",
    "QUALITY",
    "SECONDS",
    "SUPERVISOR",
    "AuditPart",
    "BaselinePart",
    "CostPart",
    "EnvelopePart",
    "FeaturePart",
    "GainPart",
    "MarginsPart",
    "ObjectivePart",
    "OutcomesPart",
    "OwnerPart",
    "PromotePart",
    "RecordsPart",
    "RetrainPart",
    "RolloutPart",
    "SensitivePart",
    "SetPart",
    "SetpointFile",
    "Settings",
    "StepPart",
    "UpdatePart",
    "check_setpoint_text",
    "duration",
    "fraction",
    "is_own",
    "is_quality",
    "read_setpoint_file",
    "seconds",
    "size",
    "supervisor_pid",
]

FILE_NAME = "setpoint.yaml"
MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
SUPERVISOR = "SETPOINT_SUPERVISOR_PID"


def supervisor_pid() -> int:
    """Return the process that watches over this one, also where it was gone before this one came to look."""
    return int(os.environ.get(SUPERVISOR, os.getppid()))


class Settings(BaseSettings):
    """What the environment decides: `SETPOINT_HOME`, `SETPOINT_STATE`, … (read once, then passed as a value)."""

    model_config = SettingsConfigDict(env_prefix="SETPOINT_", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "setpoint")
    state: str | None = None  # SQLAlchemy URL; default: SQLite in the home
    tick_every_s: float = 30.0  # 0: the loop looks only when told to
    max_body_bytes: int = 32 * 2**20
    access_log: Path | None = None  # where the workers note each request
    fsync: bool = False  # flush each micro-batch to the disk, not only to the operating system
    segment_bytes: int = 64 * 2**20  # a spool segment is closed beyond this size
    segment_s: float = 3_600.0  # and at this age
    job_timeout_s: float = 1_800.0
    job_memory: Size | None = None  # the most a conversion, a training or a native model may have; default: 80 %
    alerts: SecretStr | None = None  # whom incidents of models are told that name nobody; addresses, parted by commas
    key: SecretStr | None = None  # what sensitive values are recorded with; default: the file `key` in the home
    signatures: Literal["off", "signed", "trusted"] = "off"  # which bundles may be loaded
    trusted_keys: Path | None = None  # a file or folder of public keys (PEM); default: the key of the home

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as e:
            wrong = e.errors()[0]
            name = f"SETPOINT_{wrong['loc'][0]}".upper()
            said = wrong["msg"].removeprefix("Value error, ")
            raise InvalidInput(f"{name}={wrong['input']}: {said}; change it in the environment") from e

    @property
    def state_url(self) -> str:
        """URL of the state database."""
        return self.state or f"sqlite:///{self.home / 'state.db'}"


Action = Literal["reject", "flag", "impute"]


def _scalar(given: Any) -> str | int | float | bool:
    if not isinstance(given, str | int | float | bool) or given in (float("inf"), float("-inf")) or given != given:
        raise ValueError(f"{given!r} must be a number, a text, or true or false")
    return given


Scalar = Annotated[Any, BeforeValidator(_scalar)]
Handling = Literal["hash", "encrypt", "drop"]


class FeaturePart(Part):
    """One feature of `features:`: what its values must be like at the door, and what happens to those that are not."""

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    values: list[Scalar] | None = Field(default=None, min_length=1)
    on_violation: Action = "reject"
    impute: Scalar | None = None
    sensitive: Handling | None = None

    @model_validator(mode="after")
    def _possible(self) -> "FeaturePart":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.impute is not None and self.on_violation != "impute":
            raise ValueError(f"impute: {self.impute!r} needs on_violation: impute; it is {self.on_violation}")
        if self.impute is not None and not self._kept_by(self.impute):
            raise ValueError(f"impute: {self.impute!r} breaks the contract itself")
        if self.sensitive and self.on_violation == "impute" and self.impute is None:
            raise ValueError(
                "on_violation: impute needs `impute:` beside `sensitive:`, for the usual value is somebody's"
            )
        return self

    @property
    def has_contract(self) -> bool:
        """Whether anything is said of the values themselves."""
        return bool(self.model_fields_set - {"sensitive"})

    def _kept_by(self, value: Any) -> bool:
        if self.values is not None and value not in self.values:
            return False
        if self.min is None and self.max is None:
            return True
        if isinstance(value, str):
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class SensitivePart(Part):
    """The `sensitive:` section: what is recorded of who asked, and of what outcomes are joined by."""

    id: Literal["hash"] | None = None
    caller: Handling | None = None


class RecordsPart(Part):
    """The `records:` section: for how long, and up to which size, records are kept."""

    keep: Duration | None = None
    at_most: Size | None = None

    @model_validator(mode="after")
    def _enough(self) -> "RecordsPart":
        if self.keep is not None and self.keep < SECONDS["d"]:
            raise ValueError("records are kept for a day at least: write keep: 1d or more")
        if self.at_most is not None and self.at_most < 1_000_000:
            raise ValueError("at_most must be 1MB or more")
        return self


class SetpointFile(Part):
    """The content of setpoint.yaml; paths are relative to its folder (`root`)."""

    model: str = Field(pattern=MODEL_NAME)
    task: Literal["binary", "multiclass", "regression"]
    artifact: str
    factory: str | None = None
    reference: str
    target: str
    time: str | None = None
    id: str | None = None
    output: str | None = None
    segments: list[str] = []
    features: dict[str, FeaturePart] = {}
    rules: list[str] = []
    sensitive: SensitivePart = SensitivePart()
    records: RecordsPart = RecordsPart()
    alerts: AlertsPart = AlertsPart()
    owners: dict[Name, OwnerPart] = {}
    runbooks: dict[str, Link] = {}  # by cause
    audit: AuditPart | None = None
    baseline: BaselinePart | None = None
    objectives: list[ObjectivePart] = Field(min_length=1)
    profile: str | None = None
    train: str | None = None
    outcome_delay: Duration = 0.0
    outcome_time: str | None = None
    outcomes: OutcomesPart = OutcomesPart()
    allow: list[str] = []  # types a pickle may hold beyond the known safe ones, by full name
    update: UpdatePart = UpdatePart()
    rollout: RolloutPart = RolloutPart()
    envelope: EnvelopePart = EnvelopePart()
    root: Path = Path()
    _stated: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _owned_once(self) -> "SetpointFile":
        seen: dict[str, str] = {}
        for owner, part in self.owners.items():
            for name in part.features or ["all other features"]:
                if name in seen:
                    raise ValueError(f"owners: {name!r} is owned by {seen[name]!r} and by {owner!r}; name one")
                seen[name] = owner
        return self

    @property
    def stated(self) -> dict[str, Any]:
        """The keys and values as they were written."""
        return self._stated

    @property
    def model_file(self) -> str:
        """`artifact`, with the factory beside it if there is one: `net.pt:net.py:build`."""
        return f"{self.artifact}:{Path(self.factory).name}" if self.factory else self.artifact

    @property
    def reference_path(self) -> Path:
        """The reference table."""
        return self.root / self.reference


def check_model_name(name: str) -> None:
    """Refuse what can be no model's name.

    Raises
    ------
    InvalidInput
        If it is not 1 to 64 of a-z, 0-9, dot, dash and underscore.
    """
    if not re.fullmatch(MODEL_NAME, name):
        raise InvalidInput(f"{name[:64]!r} is no model's name: 1 to 64 of a-z, 0-9, dot, dash and underscore")


def read_setpoint_file(path: Path) -> SetpointFile:
    """Read and check setpoint.yaml; `path` is the file or its folder.

    Raises
    ------
    InvalidInput
        If the file is missing, is not YAML, or does not fit: names the key, its line and the nearest known key.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        text = file.read_text()
    except OSError as e:
        raise InvalidInput(f"cannot read {file}: {e.strerror}; `setpoint init MODEL REFERENCE` writes one") from e
    setpoint = check_setpoint_text(text, file)
    own = [("metric", o.metric) for o in setpoint.objectives if is_own(o.metric)]
    again = setpoint.audit.function if setpoint.audit else None
    named = (
        ("train", setpoint.train),
        ("profile", setpoint.profile),
        ("factory", setpoint.factory),
        ("audit", again),
        *own,
    )
    for key, where in named:
        if where is not None:
            _check_function(key, where, setpoint.root, file)
    if setpoint.factory and Path(setpoint.factory).parent != Path(setpoint.artifact).parent:
        raise InvalidInput(f"{file}: factory: {setpoint.factory!r} must be a file beside {setpoint.artifact}")
    return setpoint


def check_setpoint_text(text: str, file: Path) -> SetpointFile:
    """Check the text of a setpoint file that stands, or will stand, at `file`; see `read_setpoint_file`."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise InvalidInput(f"{file} is not valid YAML: {e}") from e
    if not isinstance(raw, dict):
        raise InvalidInput(
            f"{file} must hold keys and values, like `model: demand`; it holds {_KINDS.get(type(raw), 'a value')}"
        )
    if "root" in raw:
        raise InvalidInput(f"{file}: unknown key 'root'")
    try:
        setpoint = SetpointFile(**raw, root=file.parent.resolve())
    except ValidationError as e:
        found = sorted(e.errors(), key=lambda error: error["type"] == "missing")  # a misspelt key is why one is missing
        raise InvalidInput(f"{file}:\n" + "\n".join(f"  {_explain(error, text)}" for error in found)) from e
    setpoint._stated = raw
    wrong = next((w for o in setpoint.objectives if (w := misfit(o, setpoint.task, setpoint.segments))), "")
    if wrong:
        raise InvalidInput(f"{file}: {wrong}")
    if setpoint.audit and setpoint.sensitive.id:
        raise InvalidInput(f"{file}: audit: the source is asked by id, and `sensitive:` records ids hashed")
    if setpoint.rollout.better == "value" and not any(o.gain for o in setpoint.objectives):
        raise InvalidInput(f"{file}: rollout: better: value needs an objective with a `gain:`")
    return setpoint


def _check_function(key: str, where: str, root: Path, file: Path) -> None:
    script, colon, function = where.partition(":")
    if not colon or not function.isidentifier():
        raise InvalidInput(f"{file}: {key}: {where!r} must name a file and a function in it, like {_LIKE[key]}")
    if not (root / script).is_file():
        raise InvalidInput(f"{file}: {key}: there is no file {root / script}")


_LIKE = {
    "train": "train.py:fit",
    "profile": "features.py:describe",
    "metric": "metrics.py:profit",
    "audit": "features.py:fetch",
    "factory": "net.py:build",
}
_KINDS: dict[type, str] = {type(None): "nothing", list: "a list", str: "a text"}


def _explain(error: Any, text: str) -> str:
    """Write one pydantic error for the person who edits the file."""
    where = [str(part) for part in error["loc"]]
    name = ".".join(where) or "file"
    match error["type"]:
        case "extra_forbidden":
            known = _known_keys(where[:-1])
            message = f"unknown key {where[-1]!r}{nearest(where[-1], known)}; known keys: {', '.join(known)}"
        case "missing":
            message = f"missing key {name!r}"
        case "literal_error":
            known = tuple(re.findall(r"'([^']+)'", error["ctx"]["expected"]))
            message = (
                f"{name}: unknown {error['input']!r}{nearest(str(error['input']), known)}; known: {', '.join(known)}"
            )
        case "model_type" | "model_attributes_type":
            known = _known_keys(where)
            message = f"{name}: {error['input']!r} must be keys and values; known keys: {', '.join(known)}"
        case "string_pattern_mismatch":
            message = f"{name}: {error['input']!r} must be 1 to 64 of a-z, 0-9, dot, dash and underscore"
        case _:
            message = f"{name}: {error['msg'].removeprefix('Value error, ')}"
    line = _line_of(error["loc"], text)
    return f"line {line}: {message}" if line else message


def _line_of(where: tuple[str | int, ...], text: str) -> int | None:
    """Return the line of the key at a path, or of the nearest key above it that the file holds."""
    node, line = yaml.compose(text), None
    for part in where:
        if isinstance(node, yaml.MappingNode):
            node, line = next(((v, k.start_mark.line + 1) for k, v in node.value if k.value == part), (None, line))
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line


def _known_keys(parents: list[str]) -> tuple[str, ...]:
    parts: dict[str, type[Part]] = {
        "objectives": ObjectivePart,
        "envelope": EnvelopePart,
        "features": FeaturePart,
        "sensitive": SensitivePart,
        "records": RecordsPart,
        "alerts": AlertsPart,
        "owners": OwnerPart,
        "audit": AuditPart,
        "outcomes": OutcomesPart,
        "update": UpdatePart,
        "rollout": RolloutPart,
    }
    inner: dict[str, type[Part]] = {
        "gain": GainPart,
        "cost": CostPart,
        "training_set": SetPart,
        "margins": MarginsPart,
        "steps": StepPart,
        **ENVELOPE,
    }
    outer = parts.get(parents[0] if parents else "", SetpointFile)
    part = inner.get(parents[-1] if parents else "", outer)
    return tuple(name for name in part.model_fields if name != "root")
