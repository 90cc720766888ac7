"""The operator as one caller may use it: routes have nothing else, so none shows or does more than a key is for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from setpoint.api.rules import VERBS, check_person, check_role
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.grant import Grant, Role
from setpoint.domain.reliability import Reliability
from setpoint.errors import Conflict, Forbidden, NotFound
from setpoint.loop.record.story import Story
from setpoint.loop.taking import take_back
from setpoint.loop.verbs import personal, retraining
from setpoint.loop.verbs.operator import Operator

ABOUT_A_REMEDY = ("approve", "refuse", "undo")
Say = Callable[[Operator, str, str, str], Deployment]
SAY: Mapping[str, Say] = {
    "approve": lambda o, id_, by, why: o.approve(id_, by=by, why=why),
    "refuse": lambda o, id_, by, why: personal.refuse(o.ports, id_, o.clock.now(), by=by, why=why),
    "take": lambda o, id_, by, why: personal.take(o.ports, id_, o.clock.now(), by=by, why=why),
    "give-back": lambda o, id_, by, why: personal.give_back(o.ports, id_, o.clock.now(), by=by, why=why),
    "undo": lambda o, id_, by, why: take_back(o.ports, id_, o.clock.now(), by=by, why=why),
}


class Granted:
    """What a grant shows of a home, and lets its holder do there."""

    def __init__(self, operator: Operator, grant: Grant) -> None:
        self._operator, self.grant = operator, grant

    def of(self, grant: Grant) -> "Granted":
        """Return the same home as another one may use it."""
        return Granted(self._operator, grant)

    def deployments(self, model: str | None = None) -> list[Deployment]:
        """Return one deployment, or all that the key is for.

        Raises
        ------
        Forbidden
            If the key is for other models, whether there is one of that name or not.
        """
        if model is not None and not self.grant.sees(model):
            raise Forbidden(f"{self.grant.name} is {self.grant.words}, not of {model[:64]}")
        return [d for d in self._operator.deployments(model) if self.grant.sees(d.model)]

    def under_way(self, found: list[Deployment]) -> dict[str, Any]:
        """Return how far the trainings of deployments are that run, by model."""
        return retraining.under_way(self._operator, found)

    def reliability(self, model: str | None = None, *, days: float | None = None) -> list[Reliability]:
        """Return how reliably one model, or each that the key is for, was operated."""
        names = [d.model for d in self.deployments(model)]
        return [r for name in names for r in self._operator.reliability(name, days=days)]

    def story(self, id_: str) -> Story:
        """Return everything that is told of an incident; NotFound where the key is for other models, too."""
        self._check_shown(id_)
        return self._operator.story(id_)

    def look(self, at: datetime | None) -> tuple[Decided, ...]:
        """Have the loop look at all models, and tell people what is new.

        Raises
        ------
        Forbidden
            If the key is for some models only.
        """
        if self.grant.models:
            raise Forbidden(f"{self.grant.name} is {self.grant.words}; the loop looks at all of them")
        decisions = self._operator.tick(at)
        self._operator.tell()
        return decisions

    def say(self, id_: str, verb: str, why: str, remedy: str = "") -> Deployment:
        """Do what a person says of an incident, and return its deployment; `remedy` is what they saw.

        Raises
        ------
        NotAllowed
            If no person is known by a key, or this one's role does not allow it (Forbidden).
        NotFound
            If there is no such verb, or no such incident of a model that the key is for.
        Conflict
            If it is another remedy by now.
        """
        check_person(self.grant, VERBS.get(verb, Role.OPERATOR))
        if verb not in VERBS:
            raise NotFound(f"no verb {verb[:40]!r}; there are {', '.join(VERBS)}")
        check_role(self.grant, VERBS[verb], verb)
        with self._operator.ports.state.lease():
            now = self._check_shown(id_)
            if verb in ABOUT_A_REMEDY and remedy and remedy != now:
                raise Conflict(f"it is about {now or 'no remedy'} by now, not about {remedy}: read it again first")
            return SAY[verb](self._operator, id_, self.grant.name, why.strip())

    def _check_shown(self, id_: str) -> str:
        """Return which remedy an incident is about; NotFound where there is none of that id that the key is for."""
        found = next((i for d in self.deployments() for i in d.incidents if i.id == id_), None)
        if found is None:
            raise NotFound(f"no incident {id_[:200]!r}")
        return found.remedy


def asked(request: Request) -> Granted:
    """Return what the one who asks may use; the guard has found out who that is."""
    return Granted(request.app.state.operator, request.state.grant)


Asked = Annotated[Granted, Depends(asked)]
