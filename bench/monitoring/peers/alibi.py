"""alibi-detect: TabularDrift, Kolmogorov–Smirnov and chi-squared with its Bonferroni correction over the columns.

It takes one matrix without nulls: codes for texts and medians for nulls are our work.
"""

import json
import sys

sys.path.pop(0)
import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
numbers = [c for c in reference if c[0] == "n"]
levels = [c for c in reference if c[0] == "c"]
median = reference[numbers].median()
parts = [[frame[numbers].fillna(median).to_numpy("float32")] for frame in (reference, current)]
sizes = {}
for column in levels:
    known = pd.Index(pd.unique(pd.concat([reference[column], current[column]])))
    for part, frame in zip(parts, (reference, current), strict=True):
        part.append(known.get_indexer(frame[column])[:, None].astype("float32"))
    sizes[len(numbers) + len(sizes)] = len(known)
x, y = (np.hstack(part) for part in parts)
detector = TabularDrift(x, p_val=0.05, categories_per_feature=sizes)
result = detector.predict(y)["data"]
hits = np.asarray(result["p_val"]) < result["threshold"]
print(json.dumps({"called": {c: "drift" for c, hit in zip(numbers + levels, hits, strict=True) if hit}}))
