"""Whether a repair can stand before a model, and if not, why."""

from collections.abc import Iterator
from math import inf, isfinite

from setpoint.domain.feature_map import Apart, DoorKind, FeatureMap, Instead, Levels
from setpoint.domain.levels import read_level
from setpoint.domain.odds import misfits
from setpoint.domain.schema import Feature, Kind, Schema


def unfit(repair: FeatureMap, schema: Schema) -> str:
    """Return why a repair cannot stand before a model with this schema; empty if it can."""
    return next(_misfits(repair, {f.name: f for f in schema.features}), "")


def _misfits(repair: FeatureMap, features: dict[str, Feature]) -> Iterator[str]:
    if unknown := [name for name in repair.reads if name not in features]:
        yield f"{unknown[0]!r} is no feature"
        return
    if sum(part is not None for part in (repair.levels, repair.swap, repair.instead)) > 1:
        yield f"it repairs {repair.feature!r} in two ways at once"
    if repair.apart is not None:
        yield from _bad_range(repair, repair.apart)
    if repair.odds is not None:
        yield from misfits(repair.odds, repair.feature, repair.swap)
        if repair.apart is not None or repair.kind not in (DoorKind.INVERSE_MAP, DoorKind.SWAP_BACK):
            yield f"only a map of {repair.feature!r}, and its exchange, can be of the rows that it makes likelier"
        if any(features[name].kind is Kind.CATEGORICAL for name in repair.reads):
            yield f"rows of {repair.feature!r} can be told by numbers only"
    feature = features[repair.feature]
    if repair.levels is not None:
        yield from _bad_levels(repair.levels, feature)
    elif repair.swap is not None:
        yield from _bad_swap(feature, features[repair.swap])
    elif repair.instead is not None:
        yield from _bad_instead(repair.instead, feature, features)
    else:
        yield from _bad_scale(repair, feature)


def _bad_scale(repair: FeatureMap, feature: Feature) -> Iterator[str]:
    if feature.kind is not Kind.NUMERIC:
        yield f"{feature.name!r} holds texts, which have no scale"
    if not (isfinite(repair.scale) and isfinite(repair.offset) and repair.scale):
        yield f"{feature.name!r} would lose its values by {repair.scale:g}·x + {repair.offset:g}"


def _bad_range(repair: FeatureMap, apart: Apart) -> Iterator[str]:
    if repair.kind not in (DoorKind.INVERSE_MAP, DoorKind.SWAP_BACK):
        yield f"only a map of {repair.feature!r}, and its exchange, can spare a range"
    if not -inf < apart.low <= apart.high < inf:
        yield f"{apart.low:g} to {apart.high:g} is no range of {repair.feature!r}"


def _bad_levels(levels: Levels, feature: Feature) -> Iterator[str]:
    if feature.kind is not Kind.CATEGORICAL:
        yield f"{feature.name!r} holds numbers, which have no levels"
    if len(set(levels.expected.values())) < len(levels.expected):
        yield f"two levels of {feature.name!r} would become one"
    if unread := [v for v in levels.expected if read_level(feature.dtype, v) is None]:
        yield f"{unread[0]!r} is never sent as {feature.name!r}, which is {feature.dtype}"
    if levels.known and not feature.nullable:
        yield f"{feature.name!r} may not be missing, and levels that are not known would be"
    if levels.known and feature.contract and feature.contract.levels:
        yield f"the contract of {feature.name!r} rules already what becomes of levels that are not known"


def _bad_swap(feature: Feature, other: Feature) -> Iterator[str]:
    if feature.name == other.name:
        yield f"{feature.name!r} cannot be exchanged with itself"
    if (feature.kind, feature.dtype) != (other.kind, other.dtype):
        yield f"{feature.name!r} is {feature.dtype} and {other.name!r} {other.dtype}, which cannot be exchanged"


def _bad_instead(instead: Instead, feature: Feature, features: dict[str, Feature]) -> Iterator[str]:
    peers, text = instead.peers, feature.kind is Kind.CATEGORICAL
    for step in instead.steps:
        yield from _bad_instead(step, feature, features)
        if step.held is None or step.steps:
            yield f"a step of {feature.name!r} stands for no value"
    if any(p.feature == feature.name for p in peers):
        yield f"{feature.name!r} cannot be imputed from itself"
    if peers and (text or any(features[p.feature].kind is Kind.CATEGORICAL for p in peers)):
        yield f"{feature.name!r} can be imputed from other columns only where all of them are numbers"
    if instead.constant is None and not feature.nullable:
        yield f"{feature.name!r} may not be missing"
    for known in (instead.constant, instead.held):
        if known is not None and isinstance(known, str) is not text:
            yield f"{known!r} is no value of {feature.name!r}"
    numbers = (instead.base, *(n for p in peers for n in (p.weight, p.low, p.high)))
    if not all(map(isfinite, numbers)) or any(p.low > p.high for p in peers):
        yield f"what {feature.name!r} is imputed by is no finite number or no range"
