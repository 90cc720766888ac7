"""Trainings in processes of their own: fit, then make a version of what came out."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from setpoint.deploy.package import PackageRequest
from setpoint.domain.erased import NOBODY, ErasedIds, erased_rows
from setpoint.domain.sensitive import sealed
from setpoint.domain.training_set import BESIDE, RECIPE_FILE, Recipe
from setpoint.domain.update import DERIVED, Method
from setpoint.domain.value import from_json, replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import JobFailed, SetpointError
from setpoint.govern.scan import scan
from setpoint.loop.learning.derived import derive
from setpoint.loop.learning.job_folder import JobFolder, Teller
from setpoint.loop.learning.learnt import ids_of_set, in_words
from setpoint.loop.learning.tracked import run_of
from setpoint.loop.release import make_version, read_binning, read_contract
from setpoint.ports import BundleStore, Clock, FitJob, FitResult, KeyStore, Progress
from setpoint.store.segments import exclusive
from setpoint.update.job import LOG, Cancelled, Killed, run_fit
from setpoint.update.tracking import TrainingRun

log = logging.getLogger("setpoint.training")
MOST_ATTEMPTS = 3


class ProcessTrainer:
    """Runs one job at a time, beside the loop; a result is a file, so a restarted loop finds it.

    Several processes may know of a job (who asked for it, and the loop); one at a time runs it, the others wait for it.

    With `wait`, `submit` returns when the job has ended: demo and replay decide the same whatever a fit costs. Versions
    that are not `timed` are judged whatever the machine is busy with. `track` keeps a log of trainings, and returns why
    it could not. `erased` returns what was erased of a model: a training whose set has rows of it ends without a
    version.
    """

    def __init__(
        self,
        bundles: BundleStore,
        jobs: Path,
        clock: Clock,
        keys: KeyStore | None = None,
        *,
        timeout_s: float,
        memory_bytes: int | None = None,
        wait: bool = False,
        timed: bool = True,
        track: Callable[[TrainingRun], str] = lambda run: "",
        erased: Callable[[str], ErasedIds] = lambda model: NOBODY,
    ) -> None:
        self._bundles, self._jobs, self._clock, self._keys = bundles, jobs, clock, keys
        self._timeout_s, self._memory_bytes, self._wait, self._track = timeout_s, memory_bytes, wait, track
        self._timed, self._erased = timed, erased
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="training")
        self._running: dict[str, Future[None]] = {}

    def submit(self, job: FitJob) -> None:
        """Start a job, unless it has a result or runs already."""
        folder = self._folder(job.id)
        folder.ask(job)
        if job.id not in self._running and folder.result is None:
            self._running[job.id] = self._pool.submit(self._run, job, folder)
            if self._wait:
                self._running[job.id].result()

    def result(self, job_id: str) -> FitResult | None:
        """Return how the job ended; a job that a dead process left behind is started again."""
        folder = self._folder(job_id)
        job = folder.job
        if (result := folder.result) is not None:
            if job is not None and folder.untidy:  # whoever ran it was killed right then
                self._tidy(job, folder)
            return result
        if job is None:
            return FitResult(id=job_id, error=f"nothing is left of training {job_id}: there is no {folder.path}")
        if job_id not in self._running:
            self.submit(job)
        elif self._running[job_id].done():
            self._running.pop(job_id).result()  # what was not foreseen is raised once; the next look tries again
        return None

    def progress(self, job_id: str) -> Progress | None:
        """Return how far a job is that runs."""
        return self._folder(job_id).progress

    def cancel(self, job_id: str, by: str) -> None:
        """Ask whoever runs a job to stop it."""
        self._folder(job_id).cancel(by)

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder(self._jobs / job_id)

    def _run(self, job: FitJob, folder: JobFolder) -> None:
        with exclusive(folder.path / "running.lock"):
            if folder.result is None:
                self._run_alone(job, folder)

    def _run_alone(self, job: FitJob, folder: JobFolder) -> None:
        started = time.monotonic()
        try:
            result = self._tried(job, folder)
        except SetpointError as e:
            result = FitResult(id=job.id, error=self._words(e, job))
        result = replace(result, seconds=time.monotonic() - started)
        folder.end(result)
        if failed := self._track(run_of(job, result, folder.path, round(1_000 * time.time()))):
            log.warning("training %s is not in MLflow: %s", job.id, failed)
        self._tidy(job, folder)

    def _tried(self, job: FitJob, folder: JobFolder) -> FitResult:
        """Try until it ends by itself, at most three times; one that was killed goes on from its checkpoint."""
        while True:
            self._stop_if_cancelled(folder)
            attempt = folder.begin()
            if attempt > MOST_ATTEMPTS:
                raise JobFailed(
                    f"training {job.id} was killed {MOST_ATTEMPTS} times before it could end, and is not tried again; "
                    "has the machine too little memory?"
                )
            try:
                return self._fit(job, folder, attempt)
            except Killed as e:
                log.warning("attempt %d: %s", attempt, e)

    def _stop_if_cancelled(self, folder: JobFolder) -> None:
        if words := folder.cancelled:
            raise Cancelled(f"the training was {words}")

    def _stop_if_erased(self, job: FitJob, folder: JobFolder) -> None:
        if count := erased_rows(ids_of_set(folder.path), self._erased(job.model)):
            raise JobFailed(f"its training set has {in_words(count)}; the next one is made without")

    def _words(self, error: SetpointError, job: FitJob) -> str:
        """Return what went wrong; a training that read sensitive values may quote them."""
        if isinstance(error, Cancelled) or not self._sealed(job):
            return str(error)
        return f"training {job.id} failed ({type(error).__name__}); its words are not kept, for they may hold values"

    def _sealed(self, job: FitJob) -> bool:
        return bool(sealed(self._bundles.get(job.model, job.parent).schema))

    def _tidy(self, job: FitJob, folder: JobFolder) -> None:
        """Remove what holds records: the training set, and where values are sensitive what may quote them in clear.

        The work folder goes last: as long as it is there, something may be left.
        """
        left = (folder.path / LOG,) if self._sealed(job) else ()
        files = (Path(job.training_set), *(folder.path / name for name in BESIDE))
        mine = files if Path(job.training_set).parent == folder.path else ()
        for file in (*mine, *left):
            file.unlink(missing_ok=True)
        folder.tidy()

    def _fit(self, job: FitJob, folder: JobFolder, attempt: int) -> FitResult:
        parent = self._bundles.get(job.model, job.parent)
        home = self._bundles.folder(job.model, job.parent)
        artifact = home / parent.artifact
        self._stop_if_erased(job, folder)
        trusted, teller = scan(artifact, job.allow), Teller(folder, attempt, quiet=self._sealed(job))
        if job.method in DERIVED:
            made = derive(self._bundles, self._request(job, folder.path, parent, artifact), job)
            return FitResult(id=job.id, version=made.version)
        fit = partial(
            run_fit,
            timeout_s=self._timeout_s,
            memory_bytes=self._memory_bytes,
            progress=teller,
            cancelled=lambda: folder.cancelled,
        )
        if job.method is Method.RESIDUAL:
            from setpoint.loop.learning.residual import correct  # loads scikit-learn

            made = correct(self._bundles, self._request(job, folder.path, parent, artifact), job, folder.path, fit)
            return FitResult(id=job.id, version=made.version)
        fitted = fit(job, artifact, parent.schema, folder.path, trusted=trusted)
        request = self._request(job, folder.path, parent, Path(str(fitted.artifact)))

        def step(words: str) -> None:
            self._stop_if_cancelled(folder)
            self._stop_if_erased(job, folder)
            teller(words)

        made = make_version(self._bundles, request, job.allow, read_contract(home).given, step)
        return FitResult(id=job.id, version=made.version, measures=fitted.measures)

    def _request(self, job: FitJob, folder: Path, parent: ModelVersion, artifact: Path) -> PackageRequest:
        return PackageRequest(
            model=job.model,
            version=self._bundles.next_name(job.model),
            artifact=artifact,
            reference=Path(job.training_set),
            target=parent.schema.target,
            created=self._clock.now(),
            reason=job.reason,
            schema=parent.schema,
            binning=read_binning(self._bundles.folder(job.model, job.parent)),
            threshold=parent.threshold,
            latency_us=job.latency_us,
            parent=job.parent,
            trained_since=job.trained_since,
            trained_until=job.trained_until,
            created_by="setpoint",
            method=job.method or "",
            lined_rows=job.lined_rows,
            train=job.train or "",
            source=job.source,
            keys=self._keys.keys() if self._keys else None,
            **_of_set(folder),
            timed=self._timed,
            timeout_s=self._timeout_s,
            memory_bytes=self._memory_bytes,
        )


def _of_set(folder: Path) -> dict[str, Any]:
    """Return what a request says of the training set in a folder, where its provenance and its recipe lie beside it."""
    if not (folder / RECIPE_FILE).is_file():
        return {}
    recipe = from_json((folder / RECIPE_FILE).read_bytes(), Recipe)
    return {"beside": tuple(f for f in (folder / n for n in BESIDE) if f.is_file()), "set_sha256": recipe.digest}
