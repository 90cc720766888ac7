"""What a few trials must show: no less than 999 of 1,000 samples of the reported rates of so many trials would."""

from collections.abc import Sequence

from report import ACTING, BENIGN, COSTLY, damage, facts, kinds_of
from scipy.stats import binom

# of trials that cost 5 % of the loss at least, see docs/benchmarks.md: the whole table, rounded down
RATES = {"detected": 0.95, "top1": 0.88, "right": 0.86}
CERTAIN = ("unit", "overload", "crash", "exception")  # named in each reported trial
ACTS = 0.05  # reported actions a trial in which nothing is wrong
RARE = 0.001


def broken(rows: Sequence[dict]) -> list[str]:
    """Return in words what lies below its floor."""
    found = [f"{r['name']} failed: {r['failed']}" for r in rows if "failed" in r]
    rows = [r for r in rows if "asked" in r]
    quiet = [r for r in rows if set(kinds_of(r)) <= set(BENIGN)]
    costly = [facts(r) for r in rows if damage(r) >= COSTLY and r not in quiet]
    for what, rate in RATES.items():
        held, floor = sum(f[what] for f in costly), int(binom.ppf(RARE, len(costly), rate))
        if held < floor or not costly:
            found.append(f"{what}: {held} of {len(costly)} costly trials; the floor is {floor}")
    for r in rows:
        if r["asked"]["kind"] in CERTAIN and not facts(r)["top1"]:
            found.append(f"{r['name']}: not named, {r['causes']}")
        if r["asked"]["kind"] == "none" and _acts(r):
            found.append(f"{r['name']}: acted where nothing is planted, {r['acts']}")
    acts, most = sum(_acts(r) > 0 for r in quiet), int(binom.ppf(1 - RARE, len(quiet), ACTS))
    if acts > most:
        found.append(f"acted in {acts} of {len(quiet)} trials in which nothing is wrong; {most} are allowed")
    return found


def _acts(r: dict) -> int:
    return sum(a[1] in ACTING for a in r["acts"])
