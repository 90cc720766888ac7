"""The demo's client: one request after another over kept-alive connections, as fast as the server answers."""

import http.client
import json
from collections.abc import Sequence
from typing import Any


class Client:
    """Sends predictions and outcomes for one model, and counts what fails."""

    def __init__(self, host: str, port: int, model: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=30)
        self._model = model
        self.sent = 0
        self.failed = 0

    def predict(self, instance: dict[str, Any]) -> float | None:
        """Return the prediction for one row, or None if the server refused or could not be reached."""
        self.sent += 1
        try:
            status, body = self._post(f"/v1/models/{self._model}:predict", {"instances": [instance]})
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self.failed += 1
            return None
        if status != 200:
            self.failed += 1
            return None
        return float(body["predictions"][0])

    def outcomes(self, outcomes: Sequence[dict[str, Any]]) -> bool:
        """Deliver outcomes; whether they were taken."""
        status, _ = self._post(f"/v1/models/{self._model}:outcome", {"outcomes": list(outcomes)})
        return status == 200

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())
