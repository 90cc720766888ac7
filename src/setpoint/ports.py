"""What the stages and the loop need from outside, as small shapes. Adapters live in store/ and platforms/."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from setpoint.domain.audited import Refetched
from setpoint.domain.calibration import Calibration
from setpoint.domain.fleet import Deployment
from setpoint.domain.keys import Keys
from setpoint.domain.live import Live, WorkerStatus
from setpoint.domain.notice import Message
from setpoint.domain.objective import Gain
from setpoint.domain.profile import Binning, Profile
from setpoint.domain.record import (
    Erasure,
    Expired,
    InferenceRecord,
    Ingested,
    Outcome,
    OutcomeReceipt,
    ProcessEvent,
    Role,
)
from setpoint.domain.records import Columns, Records
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Schema
from setpoint.domain.series import Series
from setpoint.domain.update import Method
from setpoint.domain.value import field, value
from setpoint.domain.version import ModelVersion, Removal, Seal

if TYPE_CHECKING:
    import pyarrow as pa

    from setpoint.domain.erased import ErasedIds


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time in UTC."""


class BundleStore(Protocol):
    """Immutable versions of models."""

    def add(self, staged: Path, version: ModelVersion) -> ModelVersion:
        """Make a staged folder visible as a version, whole or not at all; the store computes `files`.

        Raises
        ------
        Conflict
            If the version exists.
        """

    def expect(self) -> None:
        """Refuse to begin what `add` would refuse for want of a key to sign with; Unusable says how to make one."""

    def get(self, model: str, version: str) -> ModelVersion:
        """Return the manifest, also of a version whose files were removed; NotFound names the versions there are."""

    def folder(self, model: str, version: str) -> Path:
        """Return the local folder after every digest, and the signature that is asked for, was checked.

        Raises
        ------
        Corrupt
            Naming the file that differs.
        Unsafe
            If nobody signed it who may.
        NotFound
            If there is none, or its files were removed.
        """

    def verify(self, model: str, version: str) -> None:
        """Read a version anew, and check all of it, the signature too if it has one; raises as `folder` does."""

    def size(self, model: str, version: str) -> int:
        """Return how large the files of a version are together, in bytes."""

    def seal(self, model: str, version: str) -> Seal | None:
        """Return what holds the manifest, and who signed it; None for a version of the first format."""

    def sign(self, model: str, version: str) -> Seal:
        """Sign a version whose digests hold; Unusable without a key to sign with."""

    def remove(self, model: str, version: str, *, by: str, now: datetime) -> Removal:
        """Remove the files of a version, all but its manifest: at once, and its name does not come again."""

    def removals(self, model: str) -> list[Removal]:
        """Return what was removed of a model, the first first."""

    def names(self, model: str) -> list[str]:
        """Return the names of all versions, damaged ones too, in the order of their numbers."""

    def versions(self, model: str) -> list[ModelVersion]:
        """Return all versions, oldest first."""

    def next_name(self, model: str) -> str:
        """Return a name that no version has, counting up from v1."""


class Recorder(Protocol):
    """Where the data plane writes before it answers. Writes are in the operating system's hands on return."""

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Write a micro-batch with one `write` a model; Unusable if the disk refuses."""

    def append_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes that came over HTTP."""

    def tend(self) -> None:
        """Do what is due from time to time; called about once a second."""

    def lag_s(self) -> float:
        """Return for how many seconds something written has waited for the record log; 0 when nothing waits."""


class RecordLog(Protocol):
    """Every prediction and every outcome, exactly once."""

    def open_model(self, model: str, schema: Schema, binning: Binning) -> None:
        """Make the tables of a model if there are none."""

    def ingest(self) -> Ingested:
        """Move what the spool holds into the log, exactly once, profiling it on the way."""

    def add_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        """Record outcomes: repeats are dropped, corrections kept as such."""

    def read(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: datetime | None = None,
        role: Role = Role.CHAMPION,
        version: str | None = None,
    ) -> Records:
        """Return answered rows by event time (`since` <= t < `until`).

        Outcomes are those known by `as_of` (default: all).
        """

    def table(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        limit: int | None = None,
    ) -> "pa.Table":
        """Return everything recorded, refused requests and shadows too: the answer to `setpoint records`.

        `where` is a condition in words, see `setpoint.domain.where`; of what is left, `limit` keeps the last rows.
        """

    def stretches(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        latest_first: bool = False,
    ) -> "Iterator[pa.Table]":
        """Yield the same as `table` in parts of some days each, for what is too large for memory; once at least."""

    def expire(self, model: str, *, before: datetime | None = None, at_most_bytes: int | None = None) -> Expired:
        """Delete whole days of event time: those before a time, then the oldest beyond a size; never the latest."""

    def erase(
        self,
        model: str,
        *,
        ids: Sequence[str] = (),
        where: str | None = None,
        by: str,
        now: datetime,
        learnt: Mapping[str, date] | None = None,
        learnt_from: Callable[[Sequence[str]], Sequence[str]] = lambda ids: (),
        learning: Callable[[Sequence[str]], str] = lambda ids: "",
    ) -> Erasure:
        """Delete all that is recorded of some ids, and of the ids of the rows for which a condition holds.

        A stop half-way is made good by the next ingestion. The receipt is kept, and names the versions that learnt from
        what is erased: those that `learnt_from` returns for its ids, and of those in `learnt`, which has the last day
        of what a version was trained on, those that may have; and the training under way that `learning` returns.
        """

    def erased(self, model: str) -> "ErasedIds":
        """Return all ids of a model that were erased, in a form that names none of them."""

    def lingering(self, receipt: Erasure) -> list[str]:
        """Return those segments of a receipt that are still there."""

    def erasures(self, model: str) -> list[Erasure]:
        """Return the receipts of a model, oldest first."""

    def requests(self, model: str, since: datetime, until: datetime) -> Requested:
        """Return all rows of all requests by event time, of every role, refused and failed ones too."""

    def refused(self, model: str, since: datetime, until: datetime) -> dict[str, int]:
        """Return how often requests were refused for each violation code, and all requests under the key `""`."""

    def profile(
        self,
        model: str,
        since: datetime,
        until: datetime,
        *,
        version: str | None = None,
        role: Role = Role.CHAMPION,
        segment: str = "",
    ) -> Profile:
        """Return the profile of answered rows over a window of whole minutes: a sum of stored profiles.

        `segment` is one of the names that the model's `Binning` gives; without one all rows count.
        """

    def series(
        self,
        model: str,
        since: datetime,
        until: datetime,
        every: timedelta,
        *,
        version: str | None = None,
        role: Role = Role.CHAMPION,
        segments: Sequence[str] = ("",),
    ) -> dict[str, Series]:
        """Return, by segment, the profiles of consecutive stretches of a window of whole minutes; see `profile`.

        All stretches are there, also those without rows; the last one may be cut short by `until`. Those that begin on
        whole hours and are hours long, or days, are read from fewer rows.

        Raises
        ------
        InvalidInput
            If `every` is not a number of whole minutes.
        """


class KeyStore(Protocol):
    """Where the keys are that sensitive values are recorded with."""

    def keys(self) -> Keys | None:
        """Return them, if there are any; Unusable if they are not those that were used."""

    def ensure(self) -> Keys:
        """Return them; the first time, make one."""


class StateStore(Protocol):
    """What the loop remembers."""

    def lease(self) -> AbstractContextManager[None]:
        """Hold the right to change state; one holder at a time across processes."""

    def load(self, model: str) -> Deployment:
        """Return a deployment; NotFound names the models there are."""

    def models(self) -> list[str]:
        """Return the names of all deployed models."""

    def save(self, deployment: Deployment) -> None:
        """Store a deployment, whole or not at all; InvalidInput for one that could not be read back."""


class Platform(Protocol):
    """Where models are served."""

    def live(self) -> Live:
        """Return what is to be served now."""

    def apply(self, live: Live) -> None:
        """Serve this instead, and return when every running worker does.

        Raises
        ------
        Conflict
            If somebody else changed what is served since it was read.
        """

    def holds(self, model: str, version: str) -> bool:
        """Whether something serves, and all of it has this version loaded as its standby."""

    def restart(self, worker: int) -> None:
        """Have a worker finish what it began, and start anew; one that does not run, or that is being, is left."""

    def reports(self) -> dict[int, WorkerStatus]:
        """Return what each worker that runs reports, by its number."""

    def events(self) -> list[ProcessEvent]:
        """Return what happened to the processes, oldest first."""


class Notifier(Protocol):
    """Tells people. A channel goes by a name that is fit to be shown: it holds no secret."""

    def channels(self, to: Sequence[str] | None) -> tuple[str, ...]:
        """Return the channels behind addresses; None: those of the home. Empty where nobody is told."""

    def check(self, to: Sequence[str]) -> None:
        """Refuse addresses that cannot be used, or hold a secret that is not `${NAME}`; InvalidInput names the one."""

    def send(self, to: Sequence[str] | None, messages: Mapping[str, Message]) -> dict[str, str]:
        """Send to channels behind addresses, each its message, in bounded time; return why each failed, or ""."""


class Source(Protocol):
    """Where the inputs of recorded requests come from: it can be asked for them again."""

    def fetch(self, function: str, records: Records) -> Refetched:
        """Return what it says of rows, of the columns that it knows; errors are in words, it does not raise."""


class Scorer(Protocol):
    """Asks a version for predictions outside the data plane."""

    def score(self, model: str, version: str, inputs: Columns) -> "Columns":
        """Return the outputs (by output name) for columns of equal length."""

    def apart(
        self, model: str, version: str, inputs: Columns | None, *, answer_s: float = ...
    ) -> tuple["Columns", float]:
        """Return the outputs of a fresh copy in a process that ends with it, and the seconds until it could answer.

        None asks nothing: whether it loads is all that is wanted. What takes longer than `answer_s` hangs.

        Raises
        ------
        SetpointError
            If it does not load or answer; ModelEnded if that ended the process, or hangs.
        """


@value
class FitJob:
    """A request for a new version, trained on given rows.

    `method` None: the usual one of the model's framework. `new_rows`: how many of the last rows came after the parent's
    training, if that is known. `line` is the calibration that a recalibrated version gets, None: one fitted to the rows
    of the set. The last `lined_rows` of the set are kept from the model, and its line is fitted on them. `may` is what
    the user's own training does without of the sandbox: `files`, `network`.
    """

    id: str
    model: str
    parent: str  # version whose artefact is cloned or continued
    training_set: str  # path of a Parquet table: features and target
    reason: str
    trained_since: datetime
    trained_until: datetime
    train: str | None = None  # "file.py:function" of the user, relative to `source`
    source: str = ""
    allow: tuple[str, ...] = ()
    latency_us: float | None = None  # what the objectives ask of one answer
    gain: Gain | None = None  # what they say a decision brings
    seed: int = 0
    method: Method | None = None
    line: Calibration | None = None
    lined_rows: int = 0
    new_rows: int | None = None
    may: tuple[str, ...] = ()


@value
class FitResult:
    """How a job ended: a version in the bundle store, or an error in words; and what the training measured."""

    id: str
    version: str | None = None
    error: str | None = None
    seconds: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)


@value
class Progress:
    """How far a training is: the last words heard of it, when, and which share is done (0 to 1) if it tells."""

    started: datetime
    heard: datetime
    words: str = ""
    done: float | None = None
    attempt: int = 1


class Trainer(Protocol):
    """Runs training jobs in processes of their own."""

    def submit(self, job: FitJob) -> None:
        """Start a job; a job id that was submitted before is left alone."""

    def result(self, job_id: str) -> FitResult | None:
        """Return how the job ended, or None while it runs."""

    def progress(self, job_id: str) -> Progress | None:
        """Return how far a job is that runs, in whichever process; None before it has begun and when it has ended."""

    def cancel(self, job_id: str, by: str) -> None:
        """Stop a job, in whichever process it runs; its result says who did, and it does not start again.

        Raises
        ------
        NotFound
            If there is no such job.
        Conflict
            If it has ended.
        """
