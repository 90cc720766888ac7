"""Drive the stream through the running servers, hour by hour, and let the loop look at the end of each day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd

from setpoint.config import SetpointFile
from setpoint.demo.client import Client
from setpoint.demo.project import make_bad_release
from setpoint.demo.stream import OUTCOME_DELAY, TARGET, Plan, days, requests
from setpoint.domain.fleet import Decided
from setpoint.domain.value import from_json, to_json
from setpoint.errors import NotReady
from setpoint.loop.clock import VirtualClock
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator

LOOK_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the demo is, and what the loop has just decided."""

    sent: int
    of: int
    now: datetime
    decisions: tuple[Decided, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """Everything the drive needs: the servers' client and control API, and who deploys the bad release."""

    client: Client
    control: httpx.Client
    operator: Operator
    clock: VirtualClock
    plan: Plan
    folder: Path
    project: SetpointFile
    seed: int

    def through(
        self, past: pd.DataFrame, stream: pd.DataFrame, sent: pd.DataFrame, show: Callable[[Progress], None]
    ) -> np.ndarray[Any, Any]:
        """Send every hour and return every answer, shape (n,), NaN where there was none.

        Parameters
        ----------
        past : DataFrame
            All rows, reference and stream: what the bad release is trained on, up to its day.
        stream, sent : DataFrame
            The truth, and what callers send.
        """
        answers = np.full(len(stream), np.nan)
        instances, outcomes = requests(sent), _outcomes(stream)
        released = False
        for end, rows in days(stream):
            if not released and self.plan.release_at < end:
                self._release(past)
                released = True
            for row in rows:
                if row:
                    self.client.outcomes([outcomes[row - 1]])
                answer = self.client.predict(instances[row])
                answers[row] = np.nan if answer is None else answer
            self.client.outcomes([outcomes[rows[-1]]])
            self.client.close()  # a look, or a release, may take longer than servers keep an idle connection
            show(Progress(sent=int(rows[-1]) + 1, of=len(stream), now=end, decisions=self._look(end)))
        return answers

    def _release(self, past: pd.DataFrame) -> None:
        self.clock.time = self.plan.release_at
        bad = make_bad_release(self.folder / "bad-release", self.project, past, self.plan, self.seed)
        deploying.deploy(self.operator, bad, by="somebody in a hurry")

    def _look(self, now: datetime) -> tuple[Decided, ...]:
        """Have the loop look as of the end of a day."""
        answer = self.control.post("/api/tick", json={"now": now.isoformat()}, timeout=LOOK_TIMEOUT_S)
        if answer.status_code != 200:
            raise NotReady(f"the loop could not look as of {now}: {answer.text}")
        return from_json(to_json(answer.json()["decisions"]), tuple[Decided, ...])


def _outcomes(stream: pd.DataFrame) -> list[dict[str, Any]]:
    known = (stream["time"] + OUTCOME_DELAY).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [{"id": i, "value": v, "known": k} for i, v, k in zip(stream["id"], stream[TARGET], known, strict=True)]
