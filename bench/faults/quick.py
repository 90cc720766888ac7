"""A trainer and a scorer without processes and conversions: fitted in a second, not in ten."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import clone

from setpoint.deploy.lined import born_line
from setpoint.deploy.package import REFERENCE_FILE
from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.training_set import RECIPE_FILE
from setpoint.domain.update import DERIVED
from setpoint.domain.value import replace as other
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.ports import FitResult


class QuickTrainer:
    """Trains in this process: a clone of the model is fitted, and its answers are asked from memory."""

    def __init__(self, bundles, model, file, log):
        self.bundles, self.first, self.file, self.made, self.done = bundles, model, file, {}, {}

    def submit(self, job):
        if job.id in self.done:
            return
        began = time.perf_counter()
        parent = self.bundles.get(job.model, job.parent)
        if job.method in DERIVED and job.line is None:
            self.done[job.id] = FitResult(id=job.id, error=f"{job.method} is not done in trials")
            return
        lineage = other(
            parent.lineage, parent=job.parent, reason=job.reason, created_by="setpoint", method=job.method or "",
            trained_since=job.trained_since, trained_until=job.trained_until, lined_rows=job.lined_rows,
        )  # fmt: skip
        changed = other(parent, version=self.bundles.next_name(job.model), lineage=lineage, calibration=None)
        if job.method in DERIVED:
            lineage = other(lineage, trained_until=parent.lineage.trained_until)
            line = None if job.line == Calibration() else job.line
            changed = other(changed, calibration=line, lineage=lineage)
        else:
            self.made[changed.version], line = self._fitted(job, parent.schema)
            changed = other(changed, calibration=line)
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(shutil.copytree(self.bundles.folder(job.model, job.parent), Path(folder) / "copy"))
            if changed.version in self.made:  # what it learnt is what the gate looks into
                shutil.copy(job.training_set, staged / REFERENCE_FILE)
                shutil.copy(Path(job.training_set).with_name(RECIPE_FILE), staged / RECIPE_FILE)
            self.bundles.add(staged, changed)
        self.done[job.id] = FitResult(id=job.id, version=changed.version, seconds=time.perf_counter() - began)

    def _fitted(self, job, schema):
        table = pd.read_parquet(job.training_set)
        frame = table[list(schema.names)].astype(dict(self.first[1].items()), errors="ignore")
        learnt = len(table) - job.lined_rows
        made = clone(self.first[0]).fit(frame[:learnt], table[schema.target][:learnt])
        if not job.lined_rows:
            return made, None
        raw = answered(made, frame, schema)
        return made, born_line(pa.Table.from_pandas(table), raw, schema, job.lined_rows)

    def result(self, job_id):
        return self.done.get(job_id)

    def progress(self, job_id):
        return None

    def cancel(self, job_id, by):
        pass


def answered(model, frame, schema):
    """Return the raw answers of a fitted model."""
    return model.predict(frame).astype(float) if schema.score == "prediction" else model.predict_proba(frame)[:, 1]


@dataclass(frozen=True)
class QuickScorer:
    """Asks models that were trained in this process, and others from their bundle."""

    scorer: BundleScorer
    trainer: QuickTrainer
    schema: object

    def score(self, model, version, inputs):
        manifest = root = self.trainer.bundles.get(model, version)
        while root.lineage.method in DERIVED and root.lineage.parent:
            root = self.trainer.bundles.get(model, root.lineage.parent)
        fitted = self.trainer.made.get(root.version)
        if fitted is None:
            return self.scorer.score(model, version, inputs)
        frame = pd.DataFrame(dict(inputs))[list(self.schema.names)]
        number = self.schema.score == "prediction"
        raw = answered(fitted, frame, self.schema)
        score = raw if manifest.calibration is None else apply(manifest.calibration, raw, self.schema.task)
        if number:
            return {"prediction": score}
        label = np.where(score >= manifest.threshold, self.schema.classes[1], self.schema.classes[0])
        return {
            "label": label.astype(float) if label.dtype.kind in "if" else label.astype(object),
            "probability": score,
        }
