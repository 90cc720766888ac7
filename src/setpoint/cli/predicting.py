"""predict: the rows of a table, to the running server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.running import url
from setpoint.cli.show import Json, cell, console, print_json, table
from setpoint.config import Settings
from setpoint.errors import InvalidInput, NotReady
from setpoint.loop.verbs.frames import instances, read_table
from setpoint.platforms.files import HomeFiles

BATCH = 1_000
SHOWN = 20  # rows


def predict(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    file: Annotated[Path, typer.Argument(help="Rows to ask for: .parquet or .csv.")],
    json: Json = False,
) -> None:
    """Send the rows of a table to the running server, and print its answers."""
    running = HomeFiles(Settings().home).running()
    if running is None:
        raise NotReady("nothing is up: `setpoint up --detach` starts it")
    schema = open_home(Settings()).schema(model)
    rows = instances(read_table(file), schema)
    predictions: list[object] = []
    ids: list[str] = []
    with httpx.Client(base_url=url(running), timeout=60.0) as client:
        for start in range(0, len(rows), BATCH):
            answer = client.post(f"/v1/models/{model}:predict", json={"instances": rows[start : start + BATCH]})
            if answer.status_code != 200:
                raise InvalidInput(f"rows from {start}: {answer.json().get('error', answer.text)}")
            predictions += answer.json()["predictions"]
            ids += _ids(rows[start : start + BATCH], schema.id, answer.headers["x-request-id"])
    if json:
        print_json({"predictions": [{"id": i, "prediction": p} for i, p in zip(ids, predictions, strict=True)]})
        return
    names = [name for name in schema.outputs if name not in schema.probabilities]
    shown = [(i, *map(cell, outputs(p, names))) for i, p in zip(ids[:SHOWN], predictions, strict=False)]
    console.print(table("", ("id", *names), shown))
    if len(ids) > SHOWN:
        console.print(f"and {len(ids) - SHOWN:,} more; --json prints all", highlight=False)


def outputs(prediction: Any, names: Sequence[str]) -> list[Any]:
    """Return the named outputs of one row."""
    return [prediction[name] for name in names] if isinstance(prediction, dict) else [prediction]


def _ids(rows: list[dict[str, object]], column: str | None, request_id: str) -> list[str]:
    """Return the ids that outcomes are joined by, as the server gives them."""
    if column is not None and all(column in row for row in rows):
        return [str(row[column]) for row in rows]
    return [request_id] if len(rows) == 1 else [f"{request_id}/{i}" for i in range(len(rows))]
