"""A trainer that trains nothing: a drill asks whether the loop would, and has no hours to spend."""

from setpoint.errors import NotFound
from setpoint.ports import FitJob, FitResult, Progress


class NoTrainer:
    """Ends every training at once, without a version."""

    def submit(self, job: FitJob) -> None:
        """Take a job, and do nothing."""

    def result(self, job_id: str) -> FitResult:
        """Return that nothing was trained."""
        return FitResult(id=job_id, error="a drill trains nothing")

    def progress(self, job_id: str) -> Progress | None:
        """Return nothing: no job runs."""
        return None

    def cancel(self, job_id: str, by: str) -> None:
        """Refuse: no job runs."""
        raise NotFound(f"no training {job_id} runs in a drill")
