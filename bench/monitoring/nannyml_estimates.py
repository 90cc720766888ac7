"""NannyML's estimates of the chunks of a table: `python nannyml_estimates.py REFERENCE WINDOWS TASK FEATURE…`.

Both tables have `score`, `outcome`, `decided`, `chunk` and the features. In an environment of its own:
`pip install nannyml statsmodels`.
"""

import json
import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

warnings.simplefilter("ignore")
reference, windows = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2])
task, features = sys.argv[3], sys.argv[4:]
if task == "binary":
    metrics = ["accuracy", "roc_auc"]
    estimator = nannyml.CBPE(
        y_pred_proba="score", y_pred="decided", y_true="outcome", metrics=metrics,
        problem_type="classification_binary", chunk_size=max(len(reference) // 10, 300),
    )  # fmt: skip
else:
    metrics = ["mae"]
    estimator = nannyml.DLE(
        feature_column_names=features, y_pred="score", y_true="outcome", metrics=metrics,
        chunk_size=max(len(reference) // 10, 300),
    )  # fmt: skip
estimator.fit(reference)
found = {m: {"value": [], "low": [], "high": []} for m in metrics}
for _, chunk in windows.groupby("chunk", sort=True):
    estimator.chunker = nannyml.chunk.CountBasedChunker(1)
    table = estimator.estimate(chunk.drop(columns=["outcome", "chunk"])).filter(period="analysis").to_df()
    for m in metrics:
        for ours, theirs in (
            ("value", "value"),
            ("low", "lower_confidence_boundary"),
            ("high", "upper_confidence_boundary"),
        ):
            found[m][ours].append(float(table[m, theirs].iloc[0]))
print(json.dumps({"version": nannyml.__version__, "metrics": found}))
