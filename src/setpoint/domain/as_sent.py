"""What may be sent while repairs are in place: a contract holds for what they make of a value, not for the value."""

from setpoint.domain.feature_map import FeatureMap, Levels, in_order
from setpoint.domain.levels import read_level, spelled
from setpoint.domain.schema import Contract, DType, Feature, Kind, Level, OnViolation, Schema
from setpoint.domain.value import replace


def as_sent(schema: Schema, maps: tuple[FeatureMap, ...]) -> Schema:
    """Return the schema of what may be sent, so that the repairs turn it into what the schema asks for.

    A column that is imputed or ignored may lack values, and hold what is no value of it.
    """
    features = {f.name: f for f in schema.features}
    for repair in reversed(in_order(maps)):
        features.update(_before(repair, features))
    found = tuple(features[f.name] for f in schema.features)
    return schema if found == schema.features else replace(schema, features=found)


def _before(repair: FeatureMap, features: dict[str, Feature]) -> dict[str, Feature]:
    """Return the features that a repair takes to be sent otherwise, as they must be sent."""
    name, feature = repair.feature, features[repair.feature]
    if repair.swap is not None:
        other = features[repair.swap]
        if repair.partly:  # some send them as they should
            return {f.name: _flagged(f) for f in (feature, other)}
        return {name: replace(other, name=name), repair.swap: replace(feature, name=repair.swap)}
    if repair.instead is not None:
        return {name: _lacking(feature, repair.instead.everywhere)}
    if feature.contract is None:
        return {}
    if repair.levels is not None:
        return {name: replace(feature, contract=_of_levels(feature.contract, feature.dtype, repair.levels))}
    return {name: replace(feature, contract=_of_numbers(feature.contract, repair))} if _is_number(feature) else {}


def _flagged(feature: Feature) -> Feature:
    return feature if feature.contract is None else replace(feature, contract=Contract(on_violation=OnViolation.FLAG))


def _lacking(feature: Feature, everywhere: bool) -> Feature:
    if everywhere or feature.contract is None:
        return replace(feature, nullable=True, contract=Contract(on_violation=OnViolation.FLAG))
    return replace(feature, nullable=True)


def _of_numbers(contract: Contract, repair: FeatureMap) -> Contract:
    """Return the bounds of what must be sent; a number comes near a level through a repair, not on to it."""

    def sent(wanted: Level | None) -> float | None:
        return None if wanted is None else (float(wanted) - repair.offset) / repair.scale

    low, high = sent(contract.low), sent(contract.high)
    if repair.scale < 0:
        low, high = high, low
    if repair.partly:  # some send it as they should
        low, high = _least(low, contract.low), _most(high, contract.high)
    instead = contract.instead if _is_spared(contract.instead, repair) else sent(contract.instead)
    return replace(contract, low=low, high=high, levels=(), instead=instead)


def _is_spared(number: Level | None, repair: FeatureMap) -> bool:
    if number is None or repair.apart is None:
        return repair.odds is not None
    return repair.apart.low <= float(number) <= repair.apart.high


def _least(a: float | None, b: Level | None) -> float | None:
    return None if a is None or b is None else min(a, float(b))


def _most(a: float | None, b: Level | None) -> float | None:
    return None if a is None or b is None else max(a, float(b))


def _of_levels(contract: Contract, dtype: DType, levels: Levels) -> Contract:
    back = {expected: sent for sent, expected in levels.expected.items()}
    allowed = dict.fromkeys(sent for level in contract.levels for sent in _sent(level, dtype, levels, back))
    instead = contract.instead
    if instead is not None and spelled(dtype, instead) in back:
        instead = read_level(dtype, back[spelled(dtype, instead)])
    return replace(contract, levels=tuple(allowed), instead=instead)


def _sent(level: Level, dtype: DType, levels: Levels, back: dict[str, str]) -> list[Level]:
    """Return what becomes this level: what it is renamed to, and itself unless that is read as another one."""
    text = spelled(dtype, level)
    renamed = [found] if text in back and (found := read_level(dtype, back[text])) is not None else []
    return renamed if text in levels.expected else [*renamed, level]


def _is_number(feature: Feature) -> bool:
    return feature.kind is Kind.NUMERIC
