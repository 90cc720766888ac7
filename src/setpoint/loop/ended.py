"""Requests that were being answered when a process ended, asked again where nobody waits for it."""

import numpy as np

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.isolation import digests_of
from setpoint.domain.record import ENDED, Role
from setpoint.domain.records import Columns
from setpoint.domain.repaired import repaired
from setpoint.domain.requested import Requested
from setpoint.domain.sensitive import guard_of
from setpoint.errors import ModelEnded, SetpointError
from setpoint.loop.asked import recorded_before
from setpoint.loop.look import Look
from setpoint.loop.ports import Ports
from setpoint.maintain.fatal import Fatal, fatal_rows
from setpoint.maintain.hypotheses.crash import is_about_an_end

MOST = 64  # different rows, the newest
HANGS_S = 10.0  # a row that takes longer


def ended_around(ports: Ports, deployment: Deployment, incident: Incident, look: Look) -> Fatal | None:
    """Return which rows the champion was asked when a process ended, and which of them end one again.

    None where there are none, where they cannot be read, or are refused already.
    """
    if not is_about_an_end(incident):
        return None
    asked = recorded_before(ports, deployment, incident, look.now)
    if asked is None:
        return None
    mine = (asked.version == look.champion.version) & (asked.role == Role.CHAMPION.value)
    rows = asked.take(np.asarray(mine & (asked.status == ENDED) & (asked.id != None), bool))  # noqa: E711  # elementwise
    guard = guard_of(deployment.model, look.champion.schema, ports.keys.keys())
    digests = digests_of(rows.inputs, look.champion.schema.names)
    digests = [guard.mark(d) for d in digests] if guard else digests
    refused = {row for isolation in deployment.served.isolations for row in isolation.rows}
    last = {digest: at for at, digest in enumerate(digests) if digest not in refused}
    newest = sorted(last.values())[-MOST:]
    if not newest:
        return None
    return _asked_apart(ports, deployment, rows.take(np.array(newest)), tuple(digests[at] for at in newest))


def _asked_apart(ports: Ports, deployment: Deployment, rows: Requested, digests: tuple[str, ...]) -> Fatal:
    model, champion = deployment.model, deployment.served.champion

    def ends(inputs: Columns) -> str:
        try:
            ports.scorer.apart(model, champion, repaired(inputs, deployment.served.maps), answer_s=HANGS_S)
        except ModelEnded as e:
            return str(e)
        except SetpointError:  # it does not load, or it raises, which ends nothing
            return ""
        return ""

    found, how = fatal_rows(ends, rows.inputs)
    return Fatal(asked=rows, digests=digests, ends=found, how=how)
