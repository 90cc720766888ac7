"""What repairs at the door cost a request: microseconds for 1, 64 and 1,000 rows of ten numbers and a category.

python bench/faults/door.py
"""

import timeit

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Instead, Levels, Peer, words
from setpoint.domain.odds import Odds, Tie
from setpoint.domain.records import Numbers
from setpoint.domain.repaired import repairer

NAMES = tuple(f"c{i}" for i in range(10))
PEERS = tuple(Peer(feature=f"c{i}", weight=0.1, low=-1.0, high=1.0) for i in range(1, 7))
ODDS = Odds(base=1.0, level=0.5, ties=tuple(Tie(feature=f"c{i}", weight=0.1, usual=0.0) for i in range(2, 8)))
MAPS = (
    FeatureMap(id="m", feature="c0", scale=0.5, offset=1.0),
    FeatureMap(id="m", feature="c0", scale=0.5, offset=1.0, odds=ODDS),
    FeatureMap(id="m", feature="c0", swap="c1"),
    FeatureMap(id="m", feature="c0", swap="c1", odds=ODDS),
    FeatureMap(id="m", feature="c0", instead=Instead(constant=0.0)),
    FeatureMap(id="m", feature="c0", instead=Instead(peers=PEERS, everywhere=True, constant=0.0)),
    FeatureMap(id="m", feature="c0", instead=Instead(everywhere=True)),
    FeatureMap(id="m", feature="sky", levels=Levels(expected={"Clear": "clear"}, known=("grey", "clear"))),
)


def main() -> None:
    print("| repair | 1 row, µs | 64 rows | 1,000 rows |\n|---|---|---|---|")
    for repair in MAPS:
        costs = [cost(repair, rows) for rows in (1, 64, 1_000)]
        print(f"| {words(repair)} | " + " | ".join(f"{c:.1f}" for c in costs) + " |")


def cost(repair, rows):
    numbers = Numbers(NAMES, np.random.default_rng(0).normal(size=(len(NAMES), rows)))
    sky = np.resize(np.array(["Clear", "grey", "clear", "x"], object), rows)
    columns = {**numbers, "sky": sky} if repair.feature == "sky" else numbers
    apply = repairer((repair,))
    times = 50_000 // (rows + 24)
    return min(timeit.repeat(lambda: apply(columns), number=times, repeat=9)) / times * 1e6


if __name__ == "__main__":
    main()
