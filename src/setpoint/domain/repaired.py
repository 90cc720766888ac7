"""Columns as the model sees them: repairs at the door, applied to what was sent."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.feature_map import Apart, FeatureMap, Instead, Levels, in_order
from setpoint.domain.odds import Odds
from setpoint.domain.records import Column, Columns, Numbers

Change = Callable[[Columns], Mapping[str, Column]]  # from all columns to those that it changes
Repairer = Callable[[Columns], Columns]


def repaired(inputs: Columns, maps: Iterable[FeatureMap]) -> Columns:
    """Return the inputs as the model shall see them: one repair after the other."""
    return repairer(tuple(maps))(inputs)


def repairer(maps: tuple[FeatureMap, ...]) -> Repairer:
    """Return the function that repairs columns; a row comes out the same alone and among others."""
    changes = [change_of(m) for m in in_order(maps)]

    def repair(inputs: Columns) -> Columns:
        for change in changes:
            inputs = _with(inputs, change(inputs))
        return inputs

    return repair


def repaired_where(inputs: Columns, maps: Iterable[tuple[FeatureMap, NDArray[np.bool_]]]) -> Columns:
    """Return the inputs with each repair applied to its own rows, masks of shape (n,)."""
    rows = {m.id: mask for m, mask in maps if mask.any()}
    seen = dict(inputs)
    for m in in_order(tuple(m for m, _ in maps)):
        if m.id in rows:
            seen.update({n: np.where(rows[m.id], column, seen[n]) for n, column in change_of(m)(seen).items()})
    return seen


def change_of(repair: FeatureMap) -> Change:
    """Return what one repair does to the columns; those that it reads must be there."""
    name, other = repair.feature, repair.swap
    if repair.levels is not None:
        return _levels(name, repair.levels)
    if other is not None:
        return partial(_exchanged, repair, other)
    if repair.instead is not None:
        return _instead(name, repair.instead)
    return partial(_scaled, repair)


def outside(apart: Apart, column: Column) -> NDArray[np.bool_]:
    """Return which numbers lie outside the range of healthy ones, shape (n,)."""
    return np.asarray((column < apart.low) | (column > apart.high))


def hit_rows(repair: FeatureMap, seen: Columns) -> NDArray[np.bool_]:
    """Return which rows a map or an exchange of some rows is for, shape (n,)."""
    sent = seen[repair.feature]
    if repair.apart is not None:
        return outside(repair.apart, sent)
    assert repair.odds is not None
    return likelier(repair.odds, sent, _instead_of(repair, seen), seen)


def likelier(odds: Odds, sent: Column, repaired: Column, seen: Columns) -> NDArray[np.bool_]:
    """Return which rows are likelier repaired, shape (n,); a row is judged the same alone as among others.

    No row is of which either value is missing.
    """
    leads = odds.base + odds.level * (sent + repaired)
    if odds.ties:
        weight, usual = np.array([(t.weight, t.usual) for t in odds.ties]).T[:, :, None]
        says = weight * (np.array([seen[t.feature] for t in odds.ties], np.float64) - usual)
        says[np.isnan(says)] = 0.0
        leads = leads + np.add.accumulate(says)[-1]  # in turn: a plain sum rounds by the number of rows
    return np.asarray((repaired - sent) * leads < 0)


def _instead_of(repair: FeatureMap, seen: Columns) -> Column:
    sent = seen[repair.feature]
    return repair.scale * sent + repair.offset if repair.swap is None else seen[repair.swap]


def _scaled(repair: FeatureMap, seen: Columns) -> Mapping[str, Column]:
    mapped = _instead_of(repair, seen)
    if not repair.partly:
        return {repair.feature: mapped}
    return {repair.feature: np.where(hit_rows(repair, seen), mapped, seen[repair.feature])}


def _exchanged(repair: FeatureMap, other: str, seen: Columns) -> Mapping[str, Column]:
    a, b = seen[repair.feature], seen[other]
    if not repair.partly:
        return {repair.feature: b, other: a}
    hit = hit_rows(repair, seen)
    return {repair.feature: np.where(hit, b, a), other: np.where(hit, a, b)}


def _levels(name: str, levels: Levels) -> Change:
    table = {level: level for level in levels.known} | levels.expected
    look_up = table.get

    def change(seen: Columns) -> Mapping[str, Column]:
        sent = seen[name]
        found = np.empty(len(sent), object)
        found[:] = [look_up(v) for v in sent] if levels.known else [look_up(v, v) for v in sent]
        return {name: found}

    return change


def _instead(name: str, instead: Instead) -> Change:
    standing = _standing(instead)
    steps = [(step.held, _standing(step)) for step in instead.steps]

    def change(seen: Columns) -> Mapping[str, Column]:
        sent = seen[name]
        if steps:
            sent = np.select([sent == held for held, _ in steps], [found(seen, sent) for _, found in steps], sent)
        if instead.everywhere:
            return {name: standing(seen, sent)}
        lost = np.array([v is None for v in sent]) if sent.dtype == object else np.isnan(sent)
        if instead.held is not None:
            lost |= sent == instead.held
        if lost.any():
            return {name: np.where(lost, standing(seen, sent), sent)}
        return {name: sent} if steps else {}

    return change


def _standing(instead: Instead) -> Callable[[Columns, Column], Column]:
    return _estimate(instead) if instead.peers else partial(_constant, instead.constant)


def _constant(constant: float | str | None, seen: Columns, sent: Column) -> Column:
    if sent.dtype == object:
        return np.full(len(sent), constant, object)
    return np.full(len(sent), np.nan if constant is None else constant, np.float64)


def _estimate(instead: Instead) -> Callable[[Columns, Column], Column]:
    """Return what computes a number for each row from its peers."""
    names, base = [p.feature for p in instead.peers], instead.base
    low, high, weight = np.array([(p.low, p.high, p.weight) for p in instead.peers]).T[:, :, None]
    least = -np.inf if instead.low is None else instead.low
    most = np.inf if instead.high is None else instead.high
    constant = np.nan if instead.constant is None else instead.constant

    def standing(seen: Columns, sent: Column) -> Column:
        parts = weight * np.minimum(np.maximum(np.array([seen[n] for n in names]), low), high)
        found = base + np.add.accumulate(parts)[-1]  # in turn: a plain sum rounds by the number of rows
        return np.where(np.isnan(found), constant, np.minimum(np.maximum(found, least), most))

    return standing


def _with(inputs: Columns, changed: Mapping[str, Column]) -> Columns:
    if not isinstance(inputs, Numbers):
        return {**inputs, **changed}
    array = inputs.array.copy(order="K")
    for name, column in changed.items():
        array[inputs.names.index(name)] = column
    return Numbers(inputs.names, array)
