"""Trainings in processes of their own: fit, then make a version of what came out."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setpoint.deploy.package import PackageRequest
from setpoint.domain.sensitive import sealed
from setpoint.domain.training_set import BESIDE, RECIPE_FILE, Recipe
from setpoint.domain.update import DERIVED
from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import SetpointError
from setpoint.govern.scan import scan
from setpoint.loop.derived import derive
from setpoint.loop.release import make_version, read_binning, read_contract
from setpoint.ports import BundleStore, Clock, FitJob, FitResult, KeyStore
from setpoint.store.segments import exclusive
from setpoint.update.fit import RESULT as FITTED
from setpoint.update.job import LOG, run_fit

RESULT = "result.json"


class ProcessTrainer:
    """Runs one job at a time, beside the loop; a result is a file, so a restarted loop finds it.

    Several processes may know of a job (who asked for it, and the loop); one at a time runs it, the others wait for it.

    With `wait`, `submit` returns when the job has ended: demo and replay decide the same whatever a fit costs.
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
    ) -> None:
        self._bundles, self._jobs, self._clock, self._keys = bundles, jobs, clock, keys
        self._timeout_s, self._memory_bytes, self._wait = timeout_s, memory_bytes, wait
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="training")
        self._running: dict[str, Future[None]] = {}

    def submit(self, job: FitJob) -> None:
        """Start a job, unless it has a result or runs already."""
        folder = self._jobs / job.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "job.json").write_bytes(to_json(job, pretty=True))
        if job.id not in self._running and not (folder / RESULT).exists():
            self._running[job.id] = self._pool.submit(self._run, job, folder)
            if self._wait:
                self._running[job.id].result()

    def result(self, job_id: str) -> FitResult | None:
        """Return how the job ended; a job that a dead process left behind is started again."""
        folder = self._jobs / job_id
        if (folder / RESULT).exists():
            return from_json((folder / RESULT).read_bytes(), FitResult)
        if not (folder / "job.json").exists():
            return FitResult(id=job_id, error=f"nothing is left of training {job_id}: there is no {folder}")
        if job_id not in self._running:
            self.submit(from_json((folder / "job.json").read_bytes(), FitJob))
        elif self._running[job_id].done():
            self._running.pop(job_id).result()  # what was not foreseen is raised once; the next look tries again
        return None

    def _run(self, job: FitJob, folder: Path) -> None:
        with exclusive(folder / "running.lock"):
            if not (folder / RESULT).exists():
                self._run_alone(job, folder)

    def _run_alone(self, job: FitJob, folder: Path) -> None:
        started = time.monotonic()
        try:
            result = self._fit(job, folder)
        except SetpointError as e:
            result = FitResult(id=job.id, error=self._words(e, job))
        result = replace(result, seconds=time.monotonic() - started)
        partial = folder / f"{RESULT}.partial"
        partial.write_bytes(to_json(result, pretty=True))
        partial.rename(folder / RESULT)
        self._forget(job, folder)

    def _words(self, error: SetpointError, job: FitJob) -> str:
        """Return what went wrong; a training that read sensitive values may quote them."""
        if not sealed(self._bundles.get(job.model, job.parent).schema):
            return str(error)
        return f"training {job.id} failed ({type(error).__name__}); its words are not kept, for they may hold values"

    def _forget(self, job: FitJob, folder: Path) -> None:
        """Remove what holds records: the training set, and where values are sensitive what may quote them in clear."""
        left = (folder / LOG, folder / FITTED) if sealed(self._bundles.get(job.model, job.parent).schema) else ()
        files = (Path(job.training_set), *(folder / name for name in BESIDE))
        mine = files if Path(job.training_set).parent == folder else ()
        for file in (*mine, *left):
            file.unlink(missing_ok=True)

    def _fit(self, job: FitJob, folder: Path) -> FitResult:
        parent = self._bundles.get(job.model, job.parent)
        home = self._bundles.folder(job.model, job.parent)
        artifact = home / parent.artifact
        trusted = scan(artifact, job.allow)
        if job.method in DERIVED:
            made = derive(self._bundles, self._request(job, folder, parent, artifact), job)
            return FitResult(id=job.id, version=made.version)
        fitted = run_fit(
            job,
            artifact,
            parent.schema,
            folder,
            trusted=trusted,
            timeout_s=self._timeout_s,
            memory_bytes=self._memory_bytes,
        )
        request = self._request(job, folder, parent, Path(str(fitted.artifact)))
        made = make_version(self._bundles, request, job.allow, read_contract(home).given)
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
            train=job.train or "",
            source=job.source,
            keys=self._keys.keys() if self._keys else None,
            **_of_set(folder),
            timeout_s=self._timeout_s,
            memory_bytes=self._memory_bytes,
        )


def _of_set(folder: Path) -> dict[str, Any]:
    """Return what a request says of the training set in a folder, where its provenance and its recipe lie beside it."""
    if not (folder / RECIPE_FILE).is_file():
        return {}
    recipe = from_json((folder / RECIPE_FILE).read_bytes(), Recipe)
    return {"beside": tuple(f for f in (folder / n for n in BESIDE) if f.is_file()), "set_sha256": recipe.digest}
