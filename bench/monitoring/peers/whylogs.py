"""whylogs: two profiles, and its drift algorithms with their own limits."""

import json
import sys

sys.path.pop(0)
import pandas as pd
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

features = [f"n{at:02}" for at in range(30)] + [f"c{at:02}" for at in range(20)]
views = [why.log(pandas=pd.read_parquet(path, columns=features)).view() for path in sys.argv[1:3]]
scores = calculate_drift_scores(target_view=views[1], reference_view=views[0], with_thresholds=True)
called = {column: "drift" for column, score in scores.items() if score and score.get("drift_category") == "DRIFT"}
print(json.dumps({"called": called}))
