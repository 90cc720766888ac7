"""The tables that are replayed: two real ones whose answers are known, and planted ones of any size."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from setpoint.demo.stream import FEATURES, rentals, split

LAGS = [f"lag{k}" for k in range(1, 5)]
NUMBERS = [f"x{i}" for i in range(8)]
REFERENCE = 20_000


def bike(folder: Path, data: Path) -> Path:
    """Write hourly demand of bikes: the model learnt the first half year, and demand grows."""
    reference, stream = split(rentals())
    model = HistGradientBoostingRegressor(random_state=0).fit(reference[list(FEATURES)], reference["cnt"])
    return _project(folder, model, reference, stream, target="cnt", time="time", delay="1h", at_most=40, window="7d")


def retail(folder: Path, data: Path) -> Path:
    """Write weekly demand of articles from their four weeks before: a control, of which little is to be won."""
    d = pd.read_parquet(data / "online_retail")
    d = d[d["Quantity"] > 0]
    week = d["InvoiceDate"].dt.to_period("W").dt.start_time
    table = np.log1p(d.pivot_table(index=week, columns="Description", values="Quantity", aggfunc="sum").fillna(0))
    table = table.loc[:, (table > 0).sum() >= 20]
    rows = pd.concat([_week(table, at) for at in range(4, len(table))], ignore_index=True)
    cut = len(rows) // 4
    model = HistGradientBoostingRegressor(random_state=0).fit(rows[LAGS][:cut], rows["quantity"][:cut])
    return _project(
        folder, model, rows[:cut], rows[cut:], target="quantity", time="week", delay="7d", at_most=0.85, window="28d"
    )


def planted(folder: Path, task: str, rows: int, per_day: int) -> Path:
    """Write traffic without drift: eight numbers and two categories, `per_day` requests a day."""
    rng, n = np.random.default_rng(0), rows + REFERENCE
    table = pd.DataFrame({name: rng.normal(size=n) for name in NUMBERS})
    table["job"] = rng.choice(list("abcd"), n)
    table["city"] = rng.choice([f"c{i}" for i in range(12)], n)
    signal = table["x0"] + 0.5 * table["x1"] - 0.4 * table["x2"]
    table["y"] = (
        (rng.uniform(size=n) < 1 / (1 + np.exp(-signal))).astype(int)
        if task == "binary"
        else signal + rng.normal(size=n)
    )
    start = pd.Timestamp("2024-01-01")
    table["at"] = (start + pd.to_timedelta(np.arange(n) * 86_400 / per_day, unit="s")).astype("datetime64[us]")
    table["id"] = [f"r{i}" for i in range(n)]
    inner = LogisticRegression(max_iter=500) if task == "binary" else Ridge()
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job", "city"]), remainder="passthrough"
    )
    model = make_pipeline(encoded, inner).fit(table[[*NUMBERS, "job", "city"]][:REFERENCE], table["y"][:REFERENCE])
    goal = (
        "{metric: roc_auc, at_least: 0.6, window: 7d}" if task == "binary" else "{metric: mae, at_most: 2, window: 7d}"
    )
    return _project(
        folder, model, table[:REFERENCE], table[REFERENCE:], target="y", time="at", delay="1d", goal=goal, task=task
    )


def _week(table, at):
    rows = pd.DataFrame({f"lag{k}": table.iloc[at - k].to_numpy() for k in range(1, 5)})
    rows["quantity"] = table.iloc[at].to_numpy()
    spread = pd.to_timedelta(np.arange(len(rows)) * 7 * 86_400 / len(rows), unit="s")
    return rows.assign(
        week=(table.index[at] + spread).astype("datetime64[us]"), id=[f"{at}-{j}" for j in range(len(rows))]
    )


def _project(folder, model, reference, stream, *, target, time, delay, task="regression", goal="", **objective):
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    reference.to_parquet(folder / "reference.parquet", index=False)
    stream.to_parquet(folder / "traffic.parquet", index=False)
    goal = goal or f"{{metric: mae, at_most: {objective['at_most']}, window: {objective['window']}}}"
    (folder / "setpoint.yaml").write_text(
        f"model: {folder.name}\ntask: {task}\nartifact: model.joblib\nreference: reference.parquet\ntarget: {target}\n"
        f"time: {time}\nid: id\noutcome_delay: {delay}\nobjectives:\n  - {goal}\n"
    )
    return folder
