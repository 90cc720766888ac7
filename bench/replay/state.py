"""What each look of a long replay writes into the state database, beside what the whole state weighs by then."""

from contextlib import contextmanager

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from setpoint.domain.value import to_json
from setpoint.store.state import SqlStateStore


@contextmanager
def looks_weighed():
    """Yield a list that gets, a look: bytes written into the database, bytes of the whole state, and its lists."""
    looks, written, looked, save = [], 0, None, SqlStateStore.save

    def count(connection, cursor, statement, parameters, *more):
        nonlocal written
        rows = parameters if isinstance(parameters, list) else [parameters]
        written += sum(len(str(value)) for row in rows for value in row)

    def weighed(store, deployment):
        nonlocal written, looked
        save(store, deployment)
        if deployment.looked not in (None, looked):  # a policy that never looks has none
            lists = {n: len(getattr(deployment, n)) for n in ("decisions", "rollouts", "incidents", "releases")}
            looks.append({"written": written, "whole": len(to_json(deployment)), **lists})
            written, looked = 0, deployment.looked

    SqlStateStore.save = weighed
    sa.event.listen(Engine, "before_cursor_execute", count)
    try:
        yield looks
    finally:
        SqlStateStore.save = save
        sa.event.remove(Engine, "before_cursor_execute", count)


def quarters(looks):
    """Return of each quarter of the looks the mean and largest bytes written, and at its end what there is."""
    found = []
    for part in np.array_split(np.arange(len(looks)), 4):
        written = np.array([looks[i]["written"] for i in part])
        found.append(
            {"looks": len(part), "mean": float(written.mean()), "p50": float(np.median(written))}
            | {"most": int(written.max()), **{k: v for k, v in looks[part[-1]].items() if k != "written"}}
        )
    return found
