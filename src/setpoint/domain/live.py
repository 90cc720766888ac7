"""What the workers serve: the content of live.json, the data plane's only input."""

from collections.abc import Mapping
from datetime import datetime

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.isolation import Isolation
from setpoint.domain.slice import Only
from setpoint.domain.throttle import Throttle
from setpoint.domain.value import field, replace, value
from setpoint.domain.within import Fallback
from setpoint.domain.workload import Minute, Unwritten
from setpoint.errors import Conflict, InvalidInput


@value
class Served:
    """One model as served: the champion answers, the shadow is asked too and never answers.

    `shares` are the fractions of requests that challengers answer in the champion's place, by version; of the requests
    that `only` names, where it names some. `standby` is the version one would go back to: it is kept loaded, and not
    asked. `fallbacks` are parts of the rows that the champion fails to answer: an earlier version does. `workers` is
    how many the model needs; 0: as many as were started. `throttles` hold callers to fewer requests,
    `isolations` refuse rows that end the champion.

    Raises
    ------
    InvalidInput
        If a share is no fraction, together they leave the champion nothing, or a version has two parts to play.
    """

    champion: str
    shadow: str | None = None
    maps: tuple[FeatureMap, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)
    standby: str | None = None
    only: Only | None = None
    fallbacks: tuple[Fallback, ...] = ()
    workers: int = 0
    throttles: tuple[Throttle, ...] = ()
    isolations: tuple[Isolation, ...] = ()

    def __post_init__(self) -> None:
        for version, share in self.shares.items():
            if not 0 < share < 1:
                raise InvalidInput(f"the share {written({version: share})} is none; expected 0% to less than 100%")
            self.check_challenger(version)
        if self.shares and self.rest <= 0:
            raise InvalidInput(
                f"the shares of {written(self.shares)} leave champion {self.champion} nothing; "
                "expected less than 100% together"
            )
        if any(f.version == self.champion for f in self.fallbacks):
            raise InvalidInput(f"{self.champion} is champion, and cannot answer in its own place; name another version")

    def check_challenger(self, version: str) -> None:
        """Raise InvalidInput for a version that cannot have a share: it is champion, or in shadow."""
        if version == self.champion:
            raise InvalidInput(f"{version} is champion, and answers what is left; give shares to other versions")
        if version == self.shadow:
            raise InvalidInput(f"{version} is in shadow; it can have a share when its rollout has ended")

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that must be loaded, champion first; requests do not wait for the standby."""
        shadow = [self.shadow] if self.shadow else []
        return tuple(
            dict.fromkeys(
                (self.champion, *self.shares, *shadow, *(f.version for f in self.fallbacks if not f.baseline))
            )
        )

    @property
    def rest(self) -> float:
        """The champion's share."""
        return round(1 - sum(self.shares.values()), 9)


def sharing(served: Served, shares: Mapping[str, float]) -> Served:
    """Return the model served with other shares of all requests for these versions; 0 takes a share away.

    Raises
    ------
    InvalidInput
        If that cannot be, see `Served`.
    """
    for version in shares:
        served.check_challenger(version)
    return replace(served, only=None, shares={v: share for v, share in {**served.shares, **shares}.items() if share})


def alone(served: Served, champion: str) -> Served:
    """Return the model served by another champion, under the same repairs, with the one it replaces held ready."""
    return Served(
        champion=champion,
        maps=served.maps,
        standby=served.champion,
        workers=served.workers,
        throttles=served.throttles,
    )


@value
class Order:
    """A person's word to go back to a version: the requests have moved, and the state does not know it yet."""

    version: str
    replaced: str
    at: datetime
    by: str


@value
class Live:
    """Every model served. A larger generation replaces a smaller one as a whole.

    `orders` are by model; while one stands, nobody but a person serves that model another way.
    """

    generation: int = 0
    models: dict[str, Served] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)

    @property
    def workers(self) -> int:
        """How many workers the models need at least."""
        return max((served.workers for served in self.models.values()), default=0)

    def having(self, model: str, served: Served) -> "Live":
        """Return the next generation, with one model served another way.

        Raises
        ------
        Conflict
            If a person has ordered something else meanwhile.
        """
        if order := self.orders.get(model):
            raise Conflict(
                f"{order.by} has taken {model} back to {order.version} meanwhile; what was to be served instead was "
                "decided without knowing it"
            )
        return replace(self, generation=self.generation + 1, models={**self.models, model: served})

    def ordered(self, model: str, served: Served, order: Order) -> "Live":
        """Return the next generation, with one model served as a person ordered."""
        return replace(self.fulfilled(model, served), orders={**self.orders, model: order})

    def fulfilled(self, model: str, served: Served) -> "Live":
        """Return the next generation, with an order that has been written into the state."""
        left = {m: order for m, order in self.orders.items() if m != model}
        return replace(self, orders=left).having(model, served)


@value
class Refusal:
    """Why a worker does not serve a version it was asked to: the class of the error, and its text."""

    kind: str
    reason: str


@value
class WorkerStatus:
    """What a worker reports in `run/workers/<index>.json`, after every change and every second.

    `generation` is the one it has dealt with; `versions` is what it serves, which differs from `Live` where it
    `refused` a bundle (keyed `model/version`) and stayed with the last good one. `standby` are the versions that it
    holds ready, by model. `beat` is in seconds since the epoch. `load` is what it
    had to do in the last hour, `cores` how many it may run on.
    `unwritten` are the records that it last could not write; `free_bytes` of `disk_bytes` are free where they go.
    `stopped` is how many requests each repair that refuses some has refused, by its id.
    `told`: what the worker before it was asked when it ended is on record.
    `resident` is what it held in memory in each minute of the last hour (minute, bytes), `memory_free` what is left.
    """

    pid: int
    generation: int = 0
    versions: dict[str, Served] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    standby: dict[str, str] = field(default_factory=dict)
    ready: bool = False
    told: bool = False
    beat: float = 0.0
    load: tuple[Minute, ...] = ()
    cores: int = 0
    unwritten: Unwritten | None = None
    stopped: dict[str, int] = field(default_factory=dict)
    free_bytes: int | None = None
    disk_bytes: int | None = None
    resident: tuple[tuple[int, int], ...] = ()
    memory_free: int | None = None


def written(shares: Mapping[str, float]) -> str:
    """Write shares for people: `v2 10%, v3 2.5%`."""
    return ", ".join(f"{version} {100 * share:.6g}%" for version, share in shares.items())
