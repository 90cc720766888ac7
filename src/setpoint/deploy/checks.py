"""The parity report: reference rows and odd ones, answered by the framework and by the converted model."""

from collections.abc import Callable, Collection, Iterable

import numpy as np

from setpoint.deploy.job import words
from setpoint.deploy.parity import ALLOWED_SHARE, apart_by, decided
from setpoint.deploy.stress import Stress
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Task
from setpoint.domain.value import replace
from setpoint.domain.version import Check, Parity

Answers = Callable[[Columns], Column]  # scores of shape (n,), or probabilities of shape (n, k) for k classes
RELATIVE = 1e-5  # of a score far beyond those of the reference: what float32 sums of large terms cost


def with_checks(
    parity: Parity,
    stresses: Iterable[Stress],
    native: Answers,
    other: Answers,
    task: Task,
    threshold: float,
    hidden: Collection[str] = (),
) -> Parity:
    """Return the parity over the reference with a check for each kind of odd row.

    It is right only if the rows that a converted model must answer alike are. Where the framework refuses a row there
    is nothing to compare; whether the converted model answers it is told. Of features that are `hidden` no value is
    told, nor what a model says of it.
    """
    reference = Check(
        name="reference",
        rows=parity.rows,
        largest=parity.largest,
        beyond=parity.beyond,
        flips=parity.flips,
        ok=parity.ok,
        where=f"row {parity.worst_row}",
    )
    checks = (reference, *(_check(s, native, other, parity.tolerance, task, threshold) for s in stresses))
    if hidden:
        checks = tuple(_discreet(c, hidden) for c in checks)
    return replace(parity, checks=checks, ok=all(c.ok for c in checks))


def _check(stress: Stress, native: Answers, other: Answers, tolerance: float, task: Task, threshold: float) -> Check:
    rows = len(stress.odd)
    try:
        own = native(stress.columns)
    except Exception as e:  # the framework's own code
        also = "the converted model answers them" if _answers(other, stress.columns) else "and so does the other"
        return Check(name=stress.kind, rows=rows, ok=True, note=f"the framework refuses them, {also}: {words(e)}")
    try:
        theirs = other(stress.columns)
    except Exception as e:
        note = f"only the converted model refuses them: {words(e)}"
        return Check(name=stress.kind, rows=rows, ok=bool(stress.spared), note=note)
    return _compared(stress, own, theirs, tolerance, task, threshold)


def _discreet(check: Check, hidden: Collection[str]) -> Check:
    """Leave out values of hidden features, and the words of a model, which may quote them."""
    name = check.where.partition(" = ")[0]
    where = f"a value of {name}" if name in hidden else check.where
    return replace(check, where=where, note=check.note.partition(": ")[0])


def _answers(model: Answers, columns: Columns) -> bool:
    try:
        model(columns)
    except Exception:  # how it refuses them does not matter
        return False
    return True


def _compared(stress: Stress, own: Column, other: Column, tolerance: float, task: Task, threshold: float) -> Check:
    apart = apart_by(own, other)
    allowed = tolerance + RELATIVE * np.where(np.isfinite(own), np.abs(own), 0.0)
    differs = (apart > allowed).reshape(len(own), -1).any(axis=1)
    apart = apart.reshape(len(own), -1).max(axis=1)
    flipped = differs if task is Task.REGRESSION else decided(own, threshold) != decided(other, threshold)
    worst = int(np.where(differs | flipped, apart, -1.0).argmax())
    wrong = max(float(differs.mean()), float(flipped.mean()))
    name, value = stress.odd[worst]
    return Check(
        name=stress.kind,
        rows=len(own),
        largest=float(apart.max(where=np.isfinite(apart), initial=0.0)),
        beyond=float(differs.mean()),
        flips=float(flipped.mean()),
        ok=wrong <= ALLOWED_SHARE or bool(stress.spared),
        where=f"{name} = {value!r}" if wrong else "",
        note=stress.spared if wrong else "",
    )
