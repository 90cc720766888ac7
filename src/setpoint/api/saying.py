"""What a person says over the control API: by JSON with a key, or by the forms of an incident's page."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from setpoint.api.granted import Asked, Granted
from setpoint.api.guard import known
from setpoint.api.refusing import status_of
from setpoint.api.rules import VERBS
from setpoint.domain.grant import Role
from setpoint.errors import InvalidInput, NotAllowed, NotFound, SetpointError
from setpoint.loop.changes import find_incident
from setpoint.loop.record.index import incidents_page
from setpoint.loop.record.page import incident_page
from setpoint.loop.verbs import personal
from setpoint.loop.verbs.views import incident_view, story_view
from setpoint.store.people import People

MOST_BYTES = 16_384  # of what is said
LONGEST_REMEDY = 1_000  # characters
SAFE = {  # no other page may show ours in a frame, or keep a copy
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # without it a browser would not say that our own page asks
    "x-content-type-options": "nosniff",
}


class Word(BaseModel):
    """Why, for others to read; and the remedy that it is about, so that another one is not meant."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field("", max_length=personal.LONGEST_WHY)
    remedy: str = Field("", max_length=LONGEST_REMEDY)


def saying(people: People) -> APIRouter:
    """Return the routes of one incident: what is told of it, and what a person says."""
    routes = APIRouter()

    @routes.get("/api/incidents/{id}")
    def one(home: Asked, id: str) -> dict[str, Any]:
        return story_view(home.story(id))

    @routes.post("/api/incidents/{id}/{verb}")
    def say(home: Asked, id: str, verb: str, word: Word) -> dict[str, Any]:
        after = home.say(id, verb, word.why, word.remedy)
        return incident_view(find_incident(after, id), after.owners)

    @routes.get("/", include_in_schema=False)
    def first() -> Response:
        return RedirectResponse("/incidents")

    @routes.get("/incidents", response_class=HTMLResponse)
    def every(home: Asked) -> Response:
        return HTMLResponse(incidents_page(home.deployments(), home.reliability()), headers=SAFE)

    @routes.get("/incidents/{id}", response_class=HTMLResponse)
    def page(home: Asked, id: str) -> Response:
        return HTMLResponse(incident_page(home.story(id), actions=True), headers=SAFE)

    @routes.post("/incidents/{id}", response_class=HTMLResponse)
    async def form(home: Asked, id: str, request: Request) -> Response:
        given = await _form(request)
        try:
            await run_in_threadpool(_sent, home, people, id, given)
        except NotFound:
            raise
        except SetpointError as e:
            story = await run_in_threadpool(home.story, id)
            refused = incident_page(story, actions=True, error=str(e))
            return HTMLResponse(refused, status_code=status_of(e) if isinstance(e, NotAllowed) else 409, headers=SAFE)
        return RedirectResponse(f"/incidents/{quote(id, safe='')}", status_code=303, headers=SAFE)

    return routes


def _sent(home: Granted, people: People, id_: str, given: Mapping[str, str]) -> None:
    """Do what a form says, in the name of whose key is in it."""
    verb = given.get("verb", "")
    grant = known(people, given.get("key", ""), VERBS.get(verb, Role.OPERATOR))
    home.of(grant).say(id_, verb, given.get("why", ""), given.get("remedy", ""))


async def _form(request: Request) -> dict[str, str]:
    """Read a small form; of what is given twice, the first counts."""
    try:
        text = (await request.body()).decode()
        found = parse_qs(text, keep_blank_values=True, max_num_fields=10)
    except ValueError as e:
        raise InvalidInput("this is no form") from e
    return {name: values[0] for name, values in found.items()}
