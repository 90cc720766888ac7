"""The window of a training: what earlier contests settled, and the contest itself."""

from math import isfinite

from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.records import Records
from setpoint.domain.rollout import Contest
from setpoint.domain.update import Method
from setpoint.domain.value import value
from setpoint.loop.learning.sets import stored_recipe
from setpoint.loop.looks.clear import in_clear
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.rescore import rescored_losses
from setpoint.loop.looks.spans import as_repaired
from setpoint.loop.ports import Ports
from setpoint.update.sets.choose import WINDOW
from setpoint.update.window import Window, contest, late, settled

EVERY_ROW = 0  # as a window: no limit, see `SetSpec.rows`


@value
class Chosen:
    """The candidate that goes to the gate, its window, and the contest that it won."""

    version: str
    window_rows: int | None
    contest: Contest | None = None


def window_for(deployment: Deployment, method: Method, held_out: Records) -> tuple[int | None, bool]:
    """Return the window of the next training, None as setpoint.yaml has it; and whether a contest shall tell."""
    if method is not Method.REFIT or not deployment.updates.contest:
        return None, False
    refits = (r.candidate for r in deployment.rollouts if r.candidate.method is Method.REFIT)
    choice = settled([candidate.contest for candidate in refits], late=late(held_out.time, held_out.known))
    return (EVERY_ROW if choice is Window.ALL else None), choice is None


def differs(ports: Ports, model: str, version: str) -> bool:
    """Whether the set that a version learnt would be another one without a window."""
    steps = stored_recipe(ports, model, version).steps
    return any(step.rows_out < step.rows_in for step in steps if step.name == WINDOW)


def better_window(ports: Ports, deployment: Deployment, look: Look, training: Training, version: str | None) -> Chosen:
    """Return the better of two candidates on the held-out rows; without a rival there is one.

    Parameters
    ----------
    version : str or None
        The one that this training made; None where it failed, and the rival is what there is.
    """
    if version is None:
        return Chosen(version=training.rival, window_rows=None)
    if not training.rival:
        return Chosen(version=version, window_rows=training.window_rows)
    model, schema = deployment.model, look.champion.schema
    recorded = ports.log.read(model, since=training.holdout_since, until=training.until, as_of=training.until)
    sound = as_repaired(fitting(ports, model, recorded, schema).labelled, deployment)
    held_out = in_clear(ports, model, sound)
    latest, every = (rescored_losses(ports, deployment, schema, v, held_out) for v in (training.rival, version))
    found = contest(latest, every)
    if not isfinite(found.low):  # too few rows to tell
        return Chosen(version=training.rival, window_rows=None)
    if found.gain > 0:
        return Chosen(version=version, window_rows=EVERY_ROW, contest=found)
    return Chosen(version=training.rival, window_rows=None, contest=found)
