"""What a training log keeps of a training that has ended."""

from collections.abc import Mapping
from pathlib import Path

from setpoint.domain.training_set import RECIPE_FILE, Recipe
from setpoint.domain.value import from_json
from setpoint.ports import FitJob, FitResult
from setpoint.update.tracking import TrainingRun

CANCELLED = "the training was cancelled"


def run_of(job: FitJob, result: FitResult, folder: Path, ended_ms: int) -> TrainingRun:
    """Return a training as a run; `folder` still holds the recipe of its set, where Setpoint made it."""
    params = {
        "method": job.method or "usual",
        "seed": job.seed,
        "parent": job.parent,
        "new_rows": job.new_rows,
        "lined_rows": job.lined_rows or None,
    }
    tags = {"model": job.model, "job": job.id, "version": result.version, "reason": job.reason, "error": result.error}
    return TrainingRun(
        experiment=job.model,
        name=result.version or job.id,
        status=_status(result),
        began_ms=ended_ms - round(1_000 * result.seconds),
        ended_ms=ended_ms,
        params=_told(params | _of_set(folder), ""),
        metrics={**result.measures, "seconds": result.seconds},
        tags=_told(tags, "setpoint."),
    )


def _status(result: FitResult) -> str:
    if result.version is not None:
        return "FINISHED"
    return "KILLED" if (result.error or "").startswith(CANCELLED) else "FAILED"


def _of_set(folder: Path) -> dict[str, object]:
    file = folder / RECIPE_FILE
    if not file.is_file():
        return {}
    recipe = from_json(file.read_bytes(), Recipe)
    window = "as long as the reference" if recipe.spec.rows is None else recipe.spec.rows or "all"
    return {"rows": recipe.rows, "window": window, "set_sha256": recipe.digest}


def _told(things: Mapping[str, object], prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": str(thing) for name, thing in things.items() if thing is not None}
