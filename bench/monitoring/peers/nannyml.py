"""NannyML: univariate drift (Jensen–Shannon) and missing and unseen values, in ten chunks.

A column is called when half of its chunks alert.
"""

import json
import os
import sys

sys.path.pop(0)
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml as nml
import pandas as pd

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
numbers = [c for c in reference if c[0] == "n"]
levels = [c for c in reference if c[0] == "c"]
chunks = {"timestamp_column_name": "at", "chunk_number": 10}
calculators = {
    "jensen_shannon": nml.UnivariateDriftCalculator(
        column_names=numbers + levels, treat_as_categorical=levels, **chunks,
        continuous_methods=["jensen_shannon"], categorical_methods=["jensen_shannon"],
    ),
    "missing": nml.MissingValuesCalculator(column_names=numbers + levels, **chunks),
    "unseen": nml.UnseenValuesCalculator(column_names=levels, **chunks),
}  # fmt: skip
called = {}
for name, calculator in calculators.items():
    alerts = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
    for column in levels if name == "unseen" else numbers + levels:
        key = (column, "jensen_shannon", "alert") if name == "jensen_shannon" else (column, "alert")
        if alerts[key].sum() >= 5:
            called.setdefault(column, name)
print(json.dumps({"called": called}))
