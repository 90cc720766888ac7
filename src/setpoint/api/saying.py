"""What a person says over the control API: by JSON with a key, or by the forms of an incident's page."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from setpoint.api.guard import key_of, known
from setpoint.domain.fleet import Deployment
from setpoint.errors import Conflict, InvalidInput, NotAllowed, NotFound, SetpointError
from setpoint.loop.changes import find_incident
from setpoint.loop.record.index import incidents_page
from setpoint.loop.record.page import incident_page
from setpoint.loop.taking import take_back
from setpoint.loop.verbs import personal
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.views import incident_view, story_view
from setpoint.store.people import People

MOST_BYTES = 16_384  # of what is said
LONGEST_REMEDY = 1_000  # characters
ABOUT_A_REMEDY = ("approve", "refuse", "undo")
SAFE = {  # no other page may show ours in a frame, or keep a copy
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # without it a browser would not say that our own page asks
    "x-content-type-options": "nosniff",
}
Say = Callable[[Operator, str, str, str], Deployment]


class Word(BaseModel):
    """Why, for others to read; and the remedy that it is about, so that another one is not meant."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field("", max_length=personal.LONGEST_WHY)
    remedy: str = Field("", max_length=LONGEST_REMEDY)


VERBS: Mapping[str, Say] = {
    "approve": lambda o, id_, by, why: o.approve(id_, by=by, why=why),
    "refuse": lambda o, id_, by, why: personal.refuse(o.ports, id_, o.clock.now(), by=by, why=why),
    "take": lambda o, id_, by, why: personal.take(o.ports, id_, o.clock.now(), by=by, why=why),
    "give-back": lambda o, id_, by, why: personal.give_back(o.ports, id_, o.clock.now(), by=by, why=why),
    "undo": lambda o, id_, by, why: take_back(o.ports, id_, o.clock.now(), by=by, why=why),
}


def saying(operator: Operator, people: People) -> APIRouter:
    """Return the routes of one incident: what is told of it, and what a person says."""
    routes = APIRouter()

    @routes.get("/api/incidents/{id}")
    def one(id: str) -> dict[str, Any]:
        return story_view(operator.story(id))

    @routes.post("/api/incidents/{id}/{verb}")
    def say(id: str, verb: str, word: Word, request: Request) -> dict[str, Any]:
        by = known(people, key_of(request.headers))
        after = said(operator, id, verb, by, word.why, word.remedy)
        return incident_view(find_incident(after, id), after.owners)

    @routes.get("/", include_in_schema=False)
    def first() -> Response:
        return RedirectResponse("/incidents")

    @routes.get("/incidents", response_class=HTMLResponse)
    def every() -> Response:
        return HTMLResponse(incidents_page(operator.deployments(), operator.reliability()), headers=SAFE)

    @routes.get("/incidents/{id}", response_class=HTMLResponse)
    def page(id: str) -> Response:
        return HTMLResponse(incident_page(operator.story(id), actions=True), headers=SAFE)

    @routes.post("/incidents/{id}", response_class=HTMLResponse)
    async def form(id: str, request: Request) -> Response:
        given = await _form(request)
        try:
            by = known(people, given.get("key", ""))
            word = (given.get(name, "") for name in ("why", "remedy"))
            await run_in_threadpool(said, operator, id, given.get("verb", ""), by, *word)
        except NotFound:
            raise
        except SetpointError as e:
            story = await run_in_threadpool(operator.story, id)
            refused = incident_page(story, actions=True, error=str(e))
            return HTMLResponse(refused, status_code=401 if isinstance(e, NotAllowed) else 409, headers=SAFE)
        return RedirectResponse(f"/incidents/{quote(id, safe='')}", status_code=303, headers=SAFE)

    return routes


def said(operator: Operator, id_: str, verb: str, by: str, why: str, remedy: str = "") -> Deployment:
    """Do what a person says of an incident, and return its deployment; `remedy` is what they saw proposed or in place.

    Raises
    ------
    NotFound
        If there is no such verb, or no such incident.
    Conflict
        If it is another remedy by now.
    """
    if verb not in VERBS:
        raise NotFound(f"no verb {verb[:40]!r}; there are {', '.join(VERBS)}")
    with operator.ports.state.lease():
        incident = next((i for d in operator.deployments() for i in d.incidents if i.id == id_), None)
        if incident is None:
            raise NotFound(f"no incident {id_[:200]!r}")
        if verb in ABOUT_A_REMEDY and remedy and remedy != incident.remedy:
            raise Conflict(
                f"it is about {incident.remedy or 'no remedy'} by now, not about {remedy}: read it again first"
            )
        return VERBS[verb](operator, id_, by, why.strip())


async def _form(request: Request) -> dict[str, str]:
    """Read a small form; of what is given twice, the first counts."""
    try:
        text = (await request.body()).decode()
        found = parse_qs(text, keep_blank_values=True, max_num_fields=10)
    except ValueError as e:
        raise InvalidInput("this is no form") from e
    return {name: values[0] for name, values in found.items()}
