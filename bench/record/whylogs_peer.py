"""Profiles the rows of a Parquet file with whylogs: `python whylogs_peer.py FILE TIMES`.

In an environment of its own: `pip install whylogs "pandas<3" "numpy<2" "pyarrow<21" setuptools`.
"""

import json
import sys
import time

import pandas as pd
import whylogs

frame, spent = pd.read_parquet(sys.argv[1]), []
for _ in range(int(sys.argv[2])):
    begun = time.process_time(), time.perf_counter()
    whylogs.log(frame)
    spent.append({"cpu_s": time.process_time() - begun[0], "wall_s": time.perf_counter() - begun[1]})
print(json.dumps({"version": whylogs.__version__, "records": len(frame), "features": frame.shape[1], "spent": spent}))
