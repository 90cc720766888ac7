"""What a person may ask of trainings: to start, await or cancel one, and whether one pays."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.update import Advised, Method
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop.actions import Fit, Submit
from setpoint.loop.acts import act
from setpoint.loop.advising import advice_of, advised, expectation
from setpoint.loop.learning import sets
from setpoint.loop.looks.clear import why_unreadable
from setpoint.loop.looks.look import take_look
from setpoint.loop.release import Progress
from setpoint.loop.tick import noted
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.under_way import in_words, progress_view
from setpoint.update.sets.made import TrainingSet
from setpoint.update.when import due, held_back, too_few


def update(operator: Operator, model: str, *, by: str, method: Method | None = None) -> str:
    """Start a training now, whatever the objectives say; return the job's id.

    Raises
    ------
    Conflict
        If it cannot start, with the reason in words.
    """
    with operator.ports.state.lease():
        operator.ports.log.ingest()
        deployment, now = operator.ports.state.load(model), operator.clock.now()
        look = take_look(operator.ports, deployment, now)
        if look.unreadable:
            raise Conflict(f"{model} cannot be trained from the log: {look.unreadable}")
        if why := held_back(deployment, look.unlearnt, now) or too_few(look.unlearnt, look.left_out):
            raise Conflict(why)
        plan = due(
            look.unlearnt,
            now=now,
            cause="asked for by a person",
            left_out=look.left_out,
            expected=expectation(deployment, look),
            method=method,
        )
        job = f"{model}-{now:%Y%m%dT%H%M%S}"
        deployment = act(Fit(job=job, plan=plan, by=by), operator.ports, deployment, look)
        operator.ports.state.save(deployment)
        operator.ports.state.save(act(Submit(), operator.ports, deployment, look))
        return job


def training_set(operator: Operator, model: str, *, version: str | None = None) -> TrainingSet:
    """Return the set that a training of all the log would learn from now, or the one that a version learnt from.

    Raises
    ------
    Conflict
        If the inputs on record cannot be learnt from, with the reason in words.
    """
    deployment, now = operator.ports.state.load(model), operator.clock.now()
    if version is not None:
        return sets.stored_set(operator.ports, model, version)
    operator.ports.log.ingest()
    champion = operator.ports.bundles.get(model, deployment.served.champion)
    if closed := why_unreadable(operator.ports, champion.schema):
        raise Conflict(f"{model} cannot be trained from the log: {closed}")
    return sets.training_set(
        operator.ports, deployment, champion, until=now, as_of=now, spec=sets.spec_of(deployment, None)
    )


def advice(operator: Operator, model: str) -> Advised:
    """Say what is best done about a model's answers now, as a look of the loop would that saw what is seen now."""
    with operator.ports.state.lease():
        operator.ports.log.ingest()
    deployment = replace(operator.ports.state.load(model), advised=None)
    look = take_look(operator.ports, deployment, operator.clock.now())
    return advised(advice_of(noted(deployment, look), look), look)


def finish(operator: Operator, model: str, progress: Progress = lambda step: None) -> tuple[Decided, ...]:
    """Wait until a training has ended, and let the loop look: the gate judges, or the failure is written down.

    What passes the gate is trained once more, and waited for as well.
    """
    started, said, before = time.monotonic(), tuple[Decided, ...](), None
    while (training := operator.ports.state.load(model).training) not in (None, before):
        before = training
        while operator.ports.trainer.result(training.job) is None:
            told = operator.ports.trainer.progress(training.job)
            words = in_words(told, datetime.now(UTC)) if told else "waiting"
            progress(f"training {training.job}: {time.monotonic() - started:.0f} s, {words}")
            time.sleep(0.1)
        said += operator.tick()
    return said


def cancel(operator: Operator, model: str, *, by: str) -> str:
    """Stop the training of a model that is under way, wherever it runs, and return its job.

    Raises
    ------
    Conflict
        If there is none, or it has just ended.
    """
    training = operator.ports.state.load(model).training
    if training is None or not training.submitted:
        raise Conflict(f"no training of {model} is under way")
    operator.ports.trainer.cancel(training.job, by)
    return training.job


def under_way(operator: Operator, deployments: Sequence[Deployment]) -> dict[str, Any]:
    """Return how far the trainings of deployments are that run, by model, as `status` shows it."""
    jobs = {d.model: d.training.job for d in deployments if d.training}
    told = {model: operator.ports.trainer.progress(job) for model, job in jobs.items()}
    return {model: progress_view(p, datetime.now(UTC)) for model, p in told.items() if p is not None}
