"""The routing table: which loaded version answers for which model. It is replaced as a whole, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from setpoint.domain.baseline import BASELINE
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.live import Served
from setpoint.domain.record import Layout, Role, layout_of
from setpoint.domain.records import Columns
from setpoint.domain.repaired import Repairer, repairer
from setpoint.domain.routing import chosen
from setpoint.domain.sensitive import Guard
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.domain.within import Fallback
from setpoint.errors import NotFound, NotReady
from setpoint.runtime.baseline import BaselineModel
from setpoint.serve.form import Form, Rows
from setpoint.serve.isolating import Isolations
from setpoint.serve.misfit import nearest
from setpoint.serve.pace import Pace
from setpoint.serve.throttling import Throttles


class Model(Protocol):
    """A version loaded in this process."""

    def predict(self, columns: Columns) -> Columns:
        """Return the outputs by name, one entry a row."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A version in memory, its compiled schema, and how fast it proved to be."""

    version: ModelVersion
    model: Model
    form: Form
    guard: Guard | None = None  # None: nothing of it is sensitive
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        # what runs in a process of its own is waited for, and never in the event loop
        object.__setattr__(self, "pace", Pace(0.0) if self.version.runtime == "native" else Pace())

    @property
    def name(self) -> str:
        """Name of the version."""
        return self.version.version


@dataclass(frozen=True, eq=False)
class Target:
    """What a request is sent to: a loaded version in its role, with the repairs of its model."""

    loaded: Loaded
    role: Role
    maps: tuple[FeatureMap, ...] = ()
    shadow: "Target | None" = None
    fallback: str = ""  # id of the repair by which it answers in the champion's place
    map_ids: list[str] = field(init=False)
    repair: Repairer = field(init=False)
    model: str = field(init=False)
    version: str = field(init=False)
    form: Form = field(init=False)
    layout: Layout = field(init=False)
    guard: Guard | None = field(init=False)

    def __post_init__(self) -> None:
        # plain attributes: read for every request
        object.__setattr__(self, "map_ids", [*(m.id for m in self.maps), *([self.fallback] if self.fallback else [])])
        object.__setattr__(self, "repair", repairer(self.maps))
        object.__setattr__(self, "model", self.loaded.version.model)
        object.__setattr__(self, "version", self.loaded.version.version)
        object.__setattr__(self, "form", self.loaded.form.given(self.maps))
        object.__setattr__(self, "layout", layout_of(self.form.names, self.form.outputs))
        object.__setattr__(self, "guard", self.loaded.guard)


@dataclass(frozen=True, eq=False)
class Route:
    """One model as served by this worker: `served` is what was asked for, the rest is what could be loaded."""

    served: Served
    champion: Target
    shadow: Target | None = None
    challengers: Mapping[str, Target] = field(default_factory=dict)
    fallbacks: Sequence[tuple[Fallback, Target]] = ()
    shares: Mapping[str, float] = field(init=False)
    throttles: Throttles | None = field(init=False)
    isolations: Isolations | None = field(init=False)  # of the champion
    narrow: bool = field(init=False)  # it takes the rows of a request to say whether a challenger may answer it

    def __post_init__(self) -> None:
        # the champion answers for a challenger that could not be loaded
        object.__setattr__(self, "shares", {v: self.served.shares[v] for v in self.challengers})
        held = self.served.throttles
        guard = self.champion.guard
        object.__setattr__(self, "throttles", Throttles(held, guard.caller if guard else str) if held else None)
        apart = [i for i in self.served.isolations if i.version == self.champion.version]
        marked = guard.mark if guard else str
        isolations = Isolations(apart, self.champion.form, marked) if apart else None
        object.__setattr__(self, "isolations", isolations)
        object.__setattr__(self, "narrow", bool(self.challengers and self.served.only and self.served.only.segment))

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that can be asked, champion first."""
        shadow = [self.shadow.version] if self.shadow else []
        earlier = [target.version for f, target in self.fallbacks if not f.baseline]
        return tuple(dict.fromkeys((self.champion.version, *self.challengers, *shadow, *earlier)))

    @property
    def whole(self) -> bool:
        """Whether nothing that was asked for is missing."""
        return self.versions == self.served.versions

    def pick(self, key: str, caller: str = "") -> Target:
        """Return what answers the requests of a key, where the model has challengers; `means` says if it may."""
        if self.served.only is not None and not self.served.only.asks(caller):
            return self.champion
        version = chosen(self.champion.model, self.shares, key)
        return self.champion if version is None else self.challengers[version]

    def means(self, rows: Rows) -> bool:
        """Whether a challenger may answer a request with these rows."""
        return self.served.only is None or self.served.only.has(self.champion.form.names, rows.columns)

    def instead(self, rows: Rows) -> Target | None:
        """Return what answers a request with these rows in the champion's place, if something does."""
        if not self.fallbacks:
            return None
        form = self.champion.form
        return next((target for f, target in self.fallbacks if f.asks(form.names, form.dtypes, rows.columns)), None)

    def target(self, version: str | None) -> Target:
        """Return what answers a request for the model, or for one version of it.

        Raises
        ------
        NotFound
            If the version is not served; the text names those that are.
        """
        if version is None or version == self.champion.version:
            return self.champion
        if self.shadow and version == self.shadow.version:
            return self.shadow
        if version in self.challengers:
            return self.challengers[version]
        for _, target in self.fallbacks:
            if version == target.version:
                return target
        model, served = self.champion.model, ", ".join(self.versions)
        raise NotFound(f"version {version!r} of {model!r} is not served; served: {served}")


def route_of(
    served: Served,
    champion: Loaded,
    shadow: Loaded | None,
    challengers: Sequence[Loaded] = (),
    earlier: Mapping[str, Loaded] | None = None,
) -> Route:
    """Return the route of a model whose versions are loaded; the shadow is asked what the champion answers.

    The champion goes on to answer where the `earlier` version of a fall-back could not be loaded.
    """
    maps, known = served.maps, earlier or {}
    aside = Target(shadow, Role.SHADOW, maps) if shadow else None
    others = {loaded.name: Target(loaded, Role.CHALLENGER, maps) for loaded in challengers}
    instead = [(f, target) for f in served.fallbacks if (target := _instead(f, champion, maps, known))]
    return Route(served, Target(champion, Role.CHAMPION, maps, aside), aside, others, instead)


def _instead(
    fallback: Fallback, champion: Loaded, maps: tuple[FeatureMap, ...], known: Mapping[str, Loaded]
) -> Target | None:
    """Return what answers by a fall-back: a version that is loaded, or the stated baseline."""
    if fallback.baseline is None:
        loaded = known.get(fallback.version)
        return Target(loaded, Role.CHAMPION, maps, None, fallback.id) if loaded else None
    manifest = replace(champion.version, version=BASELINE, runtime="onnxruntime")
    model = BaselineModel(fallback.baseline, manifest.schema, manifest.threshold)
    stated = Loaded(manifest, model, champion.form, champion.guard)
    return Target(stated, Role.BASELINE, maps, None, fallback.id)


@dataclass(frozen=True)
class Table:
    """All routes of one generation.

    `missing` says why a model has no route, `notes` are for operators, `complete` says that every model is served.
    """

    generation: int = 0
    routes: Mapping[str, Route] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    complete: bool = False
    guarded: bool = field(init=False)

    def __post_init__(self) -> None:
        targets = [self.routes[m].target(v) for m in self.routes for v in self.routes[m].versions]
        object.__setattr__(self, "guarded", any(target.guard for target in targets))

    def contested(self, model: str) -> bool:
        """Whether challengers share the requests of a model."""
        route = self.routes.get(model)
        return route is not None and bool(route.challengers)

    def guard(self, model: str) -> Guard | None:
        """Return what the callers and the ids of a model are hidden by, if they are."""
        route = self.routes.get(model) if self.guarded else None
        return route.champion.guard if route else None

    def route(self, model: str) -> Route:
        """Return the route of a model.

        Raises
        ------
        NotFound
            If no such model is served; the text names those that are.
        NotReady
            If it should be served, and no version of it could be loaded.
        """
        try:
            return self.routes[model]
        except KeyError:
            if model in self.missing:
                raise NotReady(f"model {model!r} is not ready: {self.missing[model]}") from None
            known = ", ".join(sorted(self.routes)) or "none yet"
            raise NotFound(f"no model {model!r} is served{nearest(model, self.routes)}; served: {known}") from None
