"""Evidently: its drift preset with default methods and limits."""

import json
import sys

sys.path.pop(0)
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
numbers = [c for c in reference if c[0] == "n"]
levels = [c for c in reference if c[0] == "c"]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=levels)
sets = [Dataset.from_pandas(frame[numbers + levels], data_definition=definition) for frame in (current, reference)]
result = Report([DataDriftPreset()]).run(*sets).dict()
called = {}
for metric in result["metrics"]:
    config = metric.get("config", {})
    if "ValueDrift" in str(metric.get("metric_name", metric.get("metric_id", ""))):
        small = "p_value" in str(config["method"]) or "p-value" in str(config["method"])
        if metric["value"] < config["threshold"] if small else metric["value"] > config["threshold"]:
            called[config["column"]] = "drift"
print(json.dumps({"called": called}))
