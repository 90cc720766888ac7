"""Acknowledged means recorded: every worker is killed in turn while clients ask."""

import http.client
import json
import os
import signal
import threading
from collections import Counter
from typing import Any

import pandas as pd
import pytest

REQUESTS, CLIENTS, WORKERS = 20_000, 4, 2


class Client(threading.Thread):
    """Asks again and again on a connection it keeps, and with a fresh request id after each broken one."""

    def __init__(self, name: str, port: int, rows: list[dict[str, Any]]) -> None:
        super().__init__(name=name)
        self.port, self.bodies = port, [json.dumps({"instances": [row]}) for row in rows]
        self.answered, self.broken, self.refused = list[str](), 0, list[Any]()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        asked = 0
        while len(self.answered) < REQUESTS // CLIENTS:
            id_, body, asked = f"{self.name}-{asked}", self.bodies[asked % len(self.bodies)], asked + 1
            try:
                connection.request("POST", "/v1/models/campaign:predict", body, {"x-request-id": id_})
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.broken += 1
                continue
            if answer.status != 200 or answer.headers["x-request-id"] != id_:
                self.refused.append((answer.status, dict(answer.headers), said))
            self.answered.append(id_)
        connection.close()


def pid_of(setpoint: Any, worker: int) -> int | None:
    """The process of a worker that answers."""
    status = json.loads((setpoint.home / "run" / "workers" / f"{worker}.json").read_text())
    return status["pid"] if status["ready"] else None


@pytest.mark.usefixtures("deployed")
def test_kill_9_of_each_worker_in_turn_loses_nothing_that_was_answered(
    setpoint: Any, campaign: Any, until: Any
) -> None:
    setpoint.up(workers=WORKERS)
    rows = pd.read_parquet(campaign / "reference.parquet").drop(columns=["call", "bought"])
    instances = json.loads(rows.to_json(orient="records"))
    clients = [Client(f"client{i}", setpoint.port, instances) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    for worker in range(WORKERS):
        due = REQUESTS * (worker + 1) // (WORKERS + 1)
        until(lambda due=due: sum(len(c.answered) for c in clients) >= due, 120)
        killed = pid_of(setpoint, worker)
        os.kill(killed, signal.SIGKILL)
        until(lambda worker=worker, killed=killed: pid_of(setpoint, worker) not in (None, killed))
    for client in clients:
        client.join()

    assert [r for c in clients for r in c.refused] == []
    assert sum(c.broken for c in clients) > 0  # the kills were felt
    recorded = Counter(r["request_id"] for r in setpoint.records("campaign"))
    answered = [id_ for c in clients for id_ in c.answered]
    assert len(answered) == len(set(answered)) == REQUESTS
    assert Counter(recorded[id_] for id_ in answered) == {1: REQUESTS}

    setpoint.tick()
    found = {i["subject"]: i for i in setpoint.json("incidents")["incidents"]}
    assert found.keys() == {f"worker {i}" for i in range(WORKERS)}
    for incident in found.values():
        assert incident["causes"][0]["cause"] == "crash"
        assert "killed by SIGKILL" in " ".join(incident["causes"][0]["evidence"])
        assert (incident["remedy"], incident["status"], incident["acted_by"]) == ("restart", "closed", "setpoint")
