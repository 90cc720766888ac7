"""Fits, kept on disk: a fit depends on the stream and on its first and last row only, so each is made once."""

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from streams import Stream

from setpoint.domain.schema import Task

ITERATIONS = 80
CACHE = Path(os.environ.get("SETPOINT_BENCH_CACHE", Path(tempfile.gettempdir()) / "setpoint-bench-update"))


@dataclass
class Fits:
    """The models of one stream by the rows that they learnt."""

    stream: Stream
    cache: Path = CACHE
    held: dict[tuple[int, int], tuple[np.ndarray, float]] = field(default_factory=dict)

    def scores(self, start: int, stop: int) -> np.ndarray:
        """Return the scores on all rows of the model that learnt rows `start` to `stop`; NaN on those before `stop`."""
        return self._fit(start, stop)[0]

    def seconds(self, start: int, stop: int) -> float:
        """Return what the fit took when it was made."""
        return self._fit(start, stop)[1]

    def _fit(self, start: int, stop: int) -> tuple[np.ndarray, float]:
        if (start, stop) not in self.held:
            path = self._path(start, stop)
            if not path.exists():
                self._make(start, stop, path)
            with np.load(path) as kept:
                scores = np.full(len(self.stream.y), np.nan)
                scores[stop:] = kept["scores"]
                self.held[start, stop] = scores, float(kept["seconds"])
        return self.held[start, stop]

    def _path(self, start: int, stop: int) -> Path:
        what = f"{self.stream.digest} {ITERATIONS} {start} {stop} {sklearn.__version__}"
        return self.cache / f"{hashlib.sha256(what.encode()).hexdigest()}.npz"

    def _make(self, start: int, stop: int, path: Path) -> None:
        s = self.stream
        kind = HistGradientBoostingClassifier if s.task is Task.BINARY else HistGradientBoostingRegressor
        model, began = kind(max_iter=ITERATIONS, early_stopping=False, random_state=0), time.perf_counter()
        model.fit(s.X[start:stop], s.y[start:stop])
        seconds = time.perf_counter() - began
        later = s.X[stop:]
        scores = model.predict_proba(later)[:, 1] if s.task is Task.BINARY else model.predict(later)
        self.cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, scores=scores.astype(np.float32), seconds=seconds)
        part.replace(path)
