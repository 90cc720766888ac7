"""Every table of the monitors, one after the other.

python bench/monitoring/run.py [--quick]

With the peers' environments at hand it takes about an hour on two quiet cores; `--quick` takes some minutes: smaller
tables, no peers. Each script also runs alone, and says in its first lines what it shows.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from compare import CACHE

HERE = Path(__file__).parent
NANNYML = ("--nannyml", str(CACHE / "v_nannyml" / "bin" / "python"))  # made by the first table
PEERS = ("--peers", "evidently", "nannyml", "whylogs", "frouros", "alibi")
TABLES = (
    (
        "Two tables of 50 columns, with planted changes",
        "compare.py",
        ("--rows", "1000000", *PEERS),
        ("--rows", "10000"),
    ),
    ("Kinds of change, weak and strong: named right", "naming.py", (), ("--rows", "2000")),
    ("Like with like: how often compare calls a change", "rates.py", (), ("--times", "10")),
    ("A month of stored profiles", "stored.py", (), ("--rows", "50000")),
    ("The overview of a model, from stored profiles", "report.py", (), ("--rows", "50000")),
    ("False incidents and power of the live monitors", "quiet.py", (), ("--looks", "50", "--trials", "40")),
    ("Real streams", "real.py", (), ()),
    ("Two years of hourly demand, and planted faults", "demand.py", (), ()),
    ("Quality estimated before the labels", "estimates.py", NANNYML, ()),
    ("What is proposed for real sets", "proposals.py", (), ("gas_turbine",)),
    ("Relations between columns", "joint.py", ("--runs", "20", *NANNYML), ("--runs", "2")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    failed = []
    for title, script, full, short in TABLES:
        print(f"\n== {title} ({script})", flush=True)
        if subprocess.run([sys.executable, str(HERE / script), *(short if quick else full)]).returncode:
            failed.append(script)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
