"""Requests that were being answered when a process ended, asked again where nobody waits for it."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.record import ENDED, Role
from setpoint.domain.records import Columns
from setpoint.domain.repaired import repaired
from setpoint.domain.requested import Requested
from setpoint.domain.row_digests import digests_of
from setpoint.domain.sensitive import guard_of
from setpoint.errors import ModelEnded, ModelFailed, ModelGone, SetpointError
from setpoint.loop.looks.asked import recorded_before
from setpoint.loop.looks.look import Look
from setpoint.loop.ports import Ports
from setpoint.maintain.fatal import Fatal, fatal_rows
from setpoint.maintain.hypotheses.crash import is_about_an_end, is_end

MOST = 64  # different rows, the newest
MOST_S = 180.0  # until the last question begins: nobody else changes anything meanwhile
ANSWERED = 200
SOON = timedelta(seconds=10)  # by which the worker that takes the place of one that ended has said what that was asked
POLL_S = 0.05


def ended_around(ports: Ports, deployment: Deployment, incident: Incident, look: Look) -> Fatal | None:
    """Return which rows the champion was asked when a process ended, and which of them end one again.

    None where there are none, where they cannot be read, or are refused already.
    """
    if not is_about_an_end(incident):
        return None
    if ports.studies:  # the time of the look is that of the clock
        await_successors(ports, incident, look.now)
    asked = recorded_before(ports, deployment, incident, look.now)
    if asked is None:
        return None
    at_it = (asked.version == look.champion.version) & (asked.role == Role.CHAMPION.value)
    mine = asked.take(np.asarray(at_it & (asked.id != None), bool))  # noqa: E711  # elementwise
    rows = mine.take(np.asarray(mine.status == ENDED, bool))
    guard = guard_of(deployment.model, look.champion.schema, ports.keys.keys())
    digests = digests_of(rows.inputs, look.champion.schema.names)
    digests = [guard.mark(d) for d in digests] if guard else digests
    refused = {row for isolation in deployment.served.isolations for row in isolation.rows}
    last = {digest: at for at, digest in enumerate(digests) if digest not in refused}
    newest = sorted(last.values())[-MOST:]
    if not newest:
        return None
    chosen, control = rows.take(np.array(newest)), _answered(mine, rows)
    return _asked_apart(ports, deployment, chosen, control, tuple(digests[at] for at in newest))


def await_successors(
    ports: Ports, incident: Incident, now: datetime, *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait, ten seconds at most, until what workers were asked that ended just now is on record.

    Their successors record it when they start, a second after: a look before that would find nobody to blame.
    """
    ended = {f.detail: f.until for f in incident.findings if is_end(f) and now - f.until < SOON}
    workers = {int(found[1]): at for detail, at in ended.items() if (found := re.match(r"worker (\d+)", detail))}
    for _ in range(int(SOON.total_seconds() / POLL_S)):
        reports = ports.platform.reports()
        told = (reports[i].told and reports[i].beat > at.timestamp() for i, at in workers.items() if i in reports)
        if sum(told) == len(workers):
            break
        pause(POLL_S)
    if workers:
        ports.log.ingest()


def _answered(rows: Requested, but: Requested) -> Columns | None:
    """Return the newest row that was answered and is none of others."""
    names, well = tuple(rows.inputs), rows.take(np.asarray(rows.status == ANSWERED, bool))
    newest = well.take(np.arange(max(0, len(well) - MOST), len(well)))
    others = set(digests_of(but.inputs, names))
    for at, digest in reversed(list(enumerate(digests_of(newest.inputs, names)))):
        if digest not in others:
            return newest.take(np.array([at])).inputs
    return None


def _asked_apart(
    ports: Ports, deployment: Deployment, rows: Requested, control: Columns | None, digests: tuple[str, ...]
) -> Fatal:
    model, champion, started = deployment.model, deployment.served.champion, time.monotonic()

    def ends(inputs: Columns) -> str | None:
        try:
            ports.scorer.apart(model, champion, repaired(inputs, deployment.served.maps))
        except ModelEnded as e:
            return str(e)
        except ModelGone:
            return None
        except ModelFailed:  # it raises, which ends nothing
            return ""
        except SetpointError:
            return None
        return ""

    found = fatal_rows(ends, rows.inputs, control, in_time=lambda: time.monotonic() - started < MOST_S)
    return Fatal(asked=rows, digests=digests, ends=found.ends, how=found.how, unsure=found.unsure)
