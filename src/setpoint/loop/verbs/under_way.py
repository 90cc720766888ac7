"""A training that runs, as people and programs see it."""

from datetime import datetime
from typing import Any

import msgspec

from setpoint.ports import Progress

SILENT_S = 60.0  # after which silence is told
MINUTE_S = 60.0


def silent_s(progress: Progress, now: datetime) -> float:
    """Return for how many seconds nothing was heard."""
    return max(0.0, (now - progress.heard).total_seconds())


def in_words(progress: Progress, now: datetime) -> str:
    """Return how far a training is: the share done if it tells, its last words, and whether it has gone silent."""
    done = "" if progress.done is None else f"{progress.done:.0%} done"
    again = f"attempt {progress.attempt}" if progress.attempt > 1 else ""
    quiet = silent_s(progress, now)
    silence = f"silent for {quiet / MINUTE_S:.0f} min" if quiet >= SILENT_S else ""
    return ", ".join(part for part in (done, progress.words, again, silence) if part)


def progress_view(progress: Progress, now: datetime) -> dict[str, Any]:
    """Return how far a training is for programs."""
    told = {"said": in_words(progress, now), "silent_s": round(silent_s(progress, now), 1)}
    return {**msgspec.to_builtins(progress), **told}
