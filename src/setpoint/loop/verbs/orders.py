"""Going back at once: the requests move first, the state is told as soon as nobody holds it.

A turn of the loop may hold the state for as long as it reads and scores. A person who sees a bad version answer does
not wait for that: the order stands in live.json, nothing that was decided without it can be served any more, and
whoever holds the state next writes it down. A stop in between leaves the order standing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.live import Live, Order, Served, alone
from setpoint.domain.unfit import unfit
from setpoint.domain.value import replace
from setpoint.errors import Conflict, NotFound

if TYPE_CHECKING:  # nobody waits for what the ports import
    from setpoint.ports import BundleStore, Platform

TRIES = 10  # as often as somebody else changes what is served in the same moment


def order_back(
    bundles: Callable[[], "BundleStore"],
    platform: "Platform",
    model: str,
    *,
    to: str | None,
    by: str,
    now: datetime,
) -> str | None:
    """Have an earlier version answer again, the one named or the standby, and return it.

    None where there is no standby: then the state knows which one it is. An order that stands is not given again.
    `bundles` opens the store, where the version is not loaded yet or features are repaired.

    Raises
    ------
    Conflict
        If the version is champion already.
    Corrupt
        If it is not what was stored; nothing changes.
    """
    for _ in range(TRIES):
        live = platform.live()
        served, standing = _served(live, model), live.orders.get(model)
        version = to or (standing.version if standing else served.standby)
        if version is None or (standing and standing.version == version):
            return version
        if version == served.champion:
            raise Conflict(f"{version} is champion of {model} already")
        if not platform.holds(model, version):
            bundles().folder(model, version)  # whole, and signed as asked, whether or not a worker runs
        maps = _fitting(bundles, served.maps, model, version)
        back = replace(alone(served, version), standby=None, maps=maps)  # what is behind it the state will say
        try:
            order = Order(version=version, replaced=served.champion, at=now, by=by)
            platform.apply(live.ordered(model, back, order))
        except Conflict:  # the loop was a moment faster
            continue
        return version
    raise Conflict(f"what is served of {model} keeps changing; nothing was taken back, try again")


def _fitting(
    bundles: Callable[[], "BundleStore"], maps: tuple[FeatureMap, ...], model: str, version: str
) -> tuple[FeatureMap, ...]:
    """Return the repairs that fit a version."""
    if not maps:
        return ()
    schema = bundles().get(model, version).schema
    return tuple(m for m in maps if not unfit(m, schema))


def _served(live: Live, model: str) -> Served:
    if model not in live.models:
        raise NotFound(
            f"no model called {model!r} is deployed; deployed are: {', '.join(sorted(live.models)) or 'none'}"
        )
    return live.models[model]
