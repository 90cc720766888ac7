"""Answers with planted faults: what versions say, and releases that are copies of the champion."""

from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from setpoint.domain.fault import OF_A_VERSION, Fault
from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.faults.answers import spoiled
from setpoint.loop.changes import settle
from setpoint.loop.releasing import released
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import Clock, Scorer


@dataclass(slots=True, kw_only=True)
class FaultyScorer:
    """Asks versions as they answer under the faults that are planted in answers.

    One without a version is in whatever answers, from its beginning on.
    """

    scorer: Scorer
    schema: Schema
    faults: tuple[Fault, ...]
    clock: Clock

    def score(self, model: str, version: str, inputs: Columns) -> Columns:
        """Return the outputs of a version, by output name."""

        def ask(columns: Columns) -> Columns:
            return self.scorer.score(model, version, columns)

        for fault in (f for f in self.faults if f.kind in OF_A_VERSION):
            if fault.version in ("", version) and (fault.version or fault.since <= self.clock.now()):
                return spoiled(fault, ask, inputs, self.schema)
        return ask(inputs)

    def apart(
        self, model: str, version: str, inputs: Columns | None, *, answer_s: float = 0.0
    ) -> tuple[Columns, float]:
        """Return the same of a fresh copy, which here is none."""
        return ({} if inputs is None else self.score(model, version, inputs)), 0.0


def release(operator: Operator, model: str) -> str:
    """Have a copy of the champion take over under a new name, and return it: what is wrong with it is planted."""
    ports, now = operator.ports, operator.clock.now()
    before = ports.state.load(model)
    champion = before.served.champion
    with TemporaryDirectory(prefix="setpoint-drill-") as folder:
        staged = Path(copytree(ports.bundles.folder(model, champion), Path(folder) / "copy"))
        copy = replace(ports.bundles.get(model, champion), version=ports.bundles.next_name(model))
        version = ports.bundles.add(staged, copy).version
    settle(ports, before, released(ports.bundles, before, version, now, "somebody", "deployed"))
    return version
