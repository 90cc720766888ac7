"""Asks stored versions for predictions outside the data plane: for investigations and gates."""

import time

from setpoint.domain.contract import imputed
from setpoint.domain.records import Columns
from setpoint.ports import BundleStore
from setpoint.runtime import Model, load
from setpoint.runtime.process import ANSWER_S, ChildModel

KEPT = 4  # versions held in memory


class BundleScorer:
    """Loads versions from the bundle store as they are asked for, and keeps the last few."""

    def __init__(self, bundles: BundleStore, memory_bytes: int | None = None) -> None:
        self._bundles, self._memory_bytes = bundles, memory_bytes
        self._models: dict[tuple[str, str], Model] = {}

    def score(self, model: str, version: str, inputs: Columns) -> Columns:
        """Return the outputs of a version, by output name; what it imputes at the door is imputed here too."""
        key, manifest = (model, version), self._bundles.get(model, version)
        loaded = self._models.pop(key, None) or load(
            self._bundles.folder(model, version), manifest, memory_bytes=self._memory_bytes
        )
        self._models[key] = loaded
        while len(self._models) > KEPT:
            self._models.pop(next(iter(self._models)))
        return loaded.predict(imputed(inputs, manifest.schema))

    def apart(
        self, model: str, version: str, inputs: Columns | None, *, answer_s: float = ANSWER_S
    ) -> tuple[Columns, float]:
        """Return the outputs of a fresh copy in a process that ends with it, and the seconds until it could answer."""
        manifest, started = self._bundles.get(model, version), time.monotonic()
        folder = self._bundles.folder(model, version)
        copy = ChildModel(folder, manifest, answer_s=answer_s, memory_bytes=self._memory_bytes)
        seconds = time.monotonic() - started
        try:
            return copy.predict(imputed(inputs, manifest.schema)) if inputs is not None else {}, seconds
        finally:
            copy.close()
