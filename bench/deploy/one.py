"""`python one.py framework|deployed FOLDER HOW`: load a model in this process, ask it, print what it took as JSON."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BATCH, ROUNDS, ENOUGH_S = 1_024, 5, 0.2


def per_call_s(call: Callable[[], Any]) -> float:
    """Return the median over rounds of the median call."""
    call()
    medians = []
    for _ in range(ROUNDS):
        taken: list[float] = []
        while sum(taken) < ENOUGH_S and len(taken) < 2_000:
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
        medians.append(float(np.median(taken)))
    return float(np.median(medians))


def peak_mb() -> float:
    """Return the peak resident memory of this process and of those it started."""
    own = {os.getpid()}
    texts = [p.read_text() for p in Path("/proc").glob("[0-9]*/status") if p.exists()]
    said = [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in texts]
    mine = [s for s in said if {int(s["Pid"]), int(s["PPid"])} & own and "VmHWM" in s]
    return sum(int(s["VmHWM"].split()[0]) for s in mine) / 1024


def framework(folder: Path, ask: str) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    import models
    import pandas as pd

    rows = pd.read_parquet(folder / "reference.parquet").drop(columns="y")
    model = getattr(models, ask)(folder)
    frames = {n: pd.concat([rows] * (n // len(rows) + 1)).head(n) for n in (1, BATCH)}
    return lambda n: model(frames[n]), lambda: model(rows)


def deployed(folder: Path, bundle: str) -> tuple[Callable[[int], Any], Callable[[], Any]]:
    """As a worker has it: columns of a request in, outputs by name out."""
    from setpoint.domain.value import from_json
    from setpoint.domain.version import ModelVersion
    from setpoint.runtime import load

    version = from_json((Path(bundle) / "bundle.json").read_bytes(), ModelVersion)
    model = load(Path(bundle), version)
    whole = dict(np.load(folder / "columns.npz", allow_pickle=True).items())
    parts = {n: {k: np.resize(c, n) for k, c in whole.items()} for n in (1, BATCH)}
    names = version.schema.probabilities or (version.schema.score,)
    return lambda n: model.predict(parts[n]), lambda: np.stack([model.predict(whole)[k] for k in names], axis=1)


def main() -> None:
    kind, folder, how = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    ask, answer = framework(folder, how) if kind == "framework" else deployed(folder, how)
    one, batch = per_call_s(lambda: ask(1)), per_call_s(lambda: ask(BATCH))
    memory = peak_mb()
    np.save(folder / f"{kind}.npy", np.asarray(answer(), np.float64))
    print(json.dumps({"p50_us": one * 1e6, "rows_per_s": BATCH / batch, "mb": memory}))


if __name__ == "__main__":
    main()
