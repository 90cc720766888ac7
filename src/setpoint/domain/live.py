"""What the workers serve: the content of live.json, the data plane's only input."""

from collections.abc import Iterable

from setpoint.domain.records import Columns
from setpoint.domain.value import field, replace, value


@value
class FeatureMap:
    """A repair at the door: the model sees `scale * x + offset` where the caller sent x."""

    id: str
    feature: str
    scale: float
    offset: float
    label: str = ""


@value
class Served:
    """One model as served: the champion answers, the shadow is asked too and never answers."""

    champion: str
    shadow: str | None = None
    maps: tuple[FeatureMap, ...] = ()


@value
class Live:
    """Every model served. A larger generation replaces a smaller one as a whole."""

    generation: int = 0
    models: dict[str, Served] = field(default_factory=dict)

    def having(self, model: str, served: Served) -> "Live":
        """Return the next generation, with one model served another way."""
        return replace(self, generation=self.generation + 1, models={**self.models, model: served})


@value
class Refusal:
    """Why a worker does not serve a version it was asked to: the class of the error, and its text."""

    kind: str
    reason: str


@value
class WorkerStatus:
    """What a worker reports in `run/workers/<index>.json`, after every change and every second.

    `generation` is the one it has dealt with; `versions` is what it serves, which differs from `Live` where it
    `refused` a bundle (keyed `model/version`) and stayed with the last good one. `beat` is in seconds since the epoch.
    """

    pid: int
    generation: int = 0
    versions: dict[str, Served] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    ready: bool = False
    beat: float = 0.0


def repaired(inputs: Columns, maps: Iterable[FeatureMap]) -> Columns:
    """Return the inputs as the model shall see them: every map applied to its column."""
    changed = {m.feature: m.scale * inputs[m.feature] + m.offset for m in maps}
    return {**inputs, **changed} if changed else inputs
