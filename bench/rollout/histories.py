"""A thousand random histories: real evidence, plan and acts on simulated traffic, with people and deaths in between.

    python bench/rollout/histories.py [RUNS]

Each history is a deployment over about a day and a half: requests with late outcomes, at times none; version after
version that is equal, better, or worse by one to three margins; looks of the loop that take their time, and processes
that die between writing down and serving; people who pause, approve and abort; freeze windows, envelopes. Counted is
how many left their envelope, and in how many a worse version was ever promoted: 5 % are allowed. Prints a table and
writes results/histories.json beside this. Seeds are fixed; five minutes on one core.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from tests.rollouts import ALPHA, lived, prepared  # noqa: E402


def main():
    runs, began = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, time.process_time()
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as folder:
        told = lived(prepared(Path(folder)), range(10_000, 10_000 + runs))
    print(f"{told.histories:,} histories, {told.begun:,} rollouts, {told.requests:,} requests")
    print(f"left their envelope: {told.breached}; promoted in a freeze window: {told.frozen}")
    print(f"promoted something worse: {told.worse} of {told.histories:,} histories (at most {ALPHA:.0%} allowed)")
    print(f"promoted: {told.promoted}; worse ones sent back: {told.worse_back} of {told.truly_worse}")
    print(f"equal ones sent back: {told.equal_back} of {told.equal}")
    print(f"{time.process_time() - began:.0f} s of CPU")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "histories.json").write_text(json.dumps(asdict(told), indent=1) + "\n")


if __name__ == "__main__":
    main()
