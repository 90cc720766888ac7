"""The folder of a replay: what is finished is found again, what is of another run is refused."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from setpoint.config import SetpointFile, check_setpoint_text
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.replay.kept import claim, digest_of, finished, found, identity, keep
from setpoint.loop.replay.policies import NEVER, SETPOINT
from setpoint.loop.replay.run import Ran

DAY = timedelta(days=1)
TABLE = pa.table({"x": [1.0, 2.0, None], "job": ["a", None, "b"]})


def setpoint_file(folder: Path, text: str = "") -> SetpointFile:
    (folder / "model.joblib").write_bytes(b"model")
    said = f"""
model: demand
task: regression
artifact: model.joblib
reference: reference.parquet
target: demand
objectives: [{{metric: mae, at_most: 16}}]
{text}"""
    return check_setpoint_text(said, folder / "setpoint.yaml")


def test_what_is_kept_is_found_again(ran: Callable[..., Ran], tmp_path: Path) -> None:
    ours = ran("setpoint", 9.0, (5, "fit", "mae is off"))
    assert not finished(tmp_path)
    keep(tmp_path, ours)
    again = found(tmp_path)
    assert again.course == ours.course
    assert np.array_equal(again.losses, ours.losses)
    assert (tmp_path / "decisions.jsonl").read_text().count("\n") == 1
    with pytest.raises(InvalidInput, match="no finished replay"):
        found(tmp_path / "other")


def test_the_digest_is_of_rows_not_of_how_they_lie() -> None:
    parts = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert digest_of(parts) == digest_of(TABLE)
    assert digest_of(TABLE.slice(1)) != digest_of(TABLE)


def test_a_folder_goes_on_with_the_same_run_alone(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "out"
    project.mkdir()
    file = setpoint_file(project)
    of = identity(file, SETPOINT, digest_of(TABLE), DAY)
    claim(folder, of)
    claim(folder, of)
    others = {
        "records": identity(file, SETPOINT, digest_of(TABLE.slice(1)), DAY),
        "settings": identity(setpoint_file(project, "update: {every: 7d}"), SETPOINT, digest_of(TABLE), DAY),
        "every": identity(file, SETPOINT, digest_of(TABLE), 2 * DAY),
    }
    (project / "model.joblib").write_bytes(b"another")
    others["files"] = identity(file, SETPOINT, digest_of(TABLE), DAY)
    for what, other in others.items():
        with pytest.raises(Conflict, match=f"whose {what} were others"):
            claim(folder, other)
    assert identity(file, NEVER, "", DAY)["settings"] != of["settings"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(Conflict, match="something else"):
        claim(tmp_path / "full", of)
