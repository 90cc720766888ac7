"""What is proposed for real sets: metrics, windows, and what each monitor sees.

python bench/monitoring/proposals.py [SET…] [--datasets FOLDER]

Of each set the first 30 % train a small model, which answers the next 30 %: the reference of the proposal.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import setpoint

DATASETS = Path(__file__).parents[3] / "shared" / "datasets"
TRAINED, ANSWERED = 0.3, 0.6
Prepared = tuple[pd.DataFrame, str]  # the target's name


def bank(d: pd.DataFrame) -> Prepared:
    """Term deposits sold; without the length of the call, which is known too late."""
    d = d.assign(sold=(d["y"].astype(str) == "yes").astype(int))
    return d.drop(columns=["y", "duration", "row_order", "year"]), "sold"


def diabetes(d: pd.DataFrame) -> Prepared:
    """Readmission within 30 days: one in nine."""
    d = d.assign(early=(d["readmitted"].astype(str) == "<30").astype(int))
    return d.drop(columns=["readmitted", "encounter_id", "patient_nbr"]), "early"


def elec2(d: pd.DataFrame) -> Prepared:
    """Price up or down, every half hour."""
    d = d.assign(up=d["class"].astype(int), at=pd.date_range("1996-05-07", periods=len(d), freq="30min"))
    return d.drop(columns="class"), "up"


def gas(d: pd.DataFrame) -> Prepared:
    """Nitrogen oxides of a turbine, by the hour."""
    d = d.assign(at=pd.date_range("2011-01-01", periods=len(d), freq="h"))
    return d.drop(columns=["CO", "year", "hour_seq"]), "NOX"


def bike(d: pd.DataFrame) -> Prepared:
    """Hourly demand."""
    d = d.assign(at=pd.to_datetime(d["dteday"]) + pd.to_timedelta(d["hr"], unit="h"))
    return d.drop(columns=["dteday", "casual", "registered", "instant", "yr"], errors="ignore"), "cnt"


def retail(d: pd.DataFrame) -> Prepared:
    """Weekly demand of products: half of the outcomes are 0."""
    week = d["InvoiceDate"].dt.to_period("W").dt.start_time
    sold = d.groupby([week, "Description"])["Quantity"].sum().clip(lower=0).unstack(fill_value=0)
    sold = sold.loc[:, (sold > 0).sum() > 5]
    parts = {
        "last": sold.shift(1), "mean4": sold.shift(1).rolling(4).mean(), "qty": sold,
        "zeros4": (sold.shift(1) == 0).astype(float).rolling(4).sum(),
    }  # fmt: skip
    table = pd.concat({name: part.iloc[4:].stack() for name, part in parts.items()}, axis=1)
    return table.reset_index(names=["at", "product"]).drop(columns="product"), "qty"


SETS: dict[str, Callable[[pd.DataFrame], Prepared]] = {
    "bank_marketing": bank, "diabetes130": diabetes, "elec2": elec2, "gas_turbine": gas, "bike_hourly": bike,
    "online_retail": retail,
}  # fmt: skip


def answered(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return the rows after those that a small model is trained on, with its answers."""
    inputs = table.drop(columns=[target, "at"], errors="ignore")
    texts = [name for name in inputs if not pd.api.types.is_numeric_dtype(inputs[name])]
    codes = inputs.assign(**{name: inputs[name].astype("category").cat.codes for name in texts})
    cut, end = int(TRAINED * len(table)), int(ANSWERED * len(table))
    binary = table[target].nunique() == 2
    kind = HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor
    model = kind(max_iter=60, random_state=0).fit(codes[:cut], table[target][:cut])
    said = model.predict_proba(codes[cut:end])[:, 1] if binary else model.predict(codes[cut:end])
    return table[cut:end].assign(answer=said)


def main() -> None:
    """Print a proposal for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--datasets", type=Path, default=DATASETS)
    asked = parser.parse_args()
    for name in asked.sets:
        table, target = SETS[name](pd.read_parquet(next((asked.datasets / name).glob("*.parquet"))))
        found = setpoint.monitor.propose(answered(table, target), target=target, prediction="answer")
        print(f"\n=== {name}\n{found}")


if __name__ == "__main__":
    main()
