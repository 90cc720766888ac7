"""River's adaptive random forest over one stream: `python river_forest.py IN.npz OUT.npz`, where river is installed.

IN holds X, y, whether y is a class, the row at which answers begin, and delays in rows. The forest learns each row
once, in order; a row is answered by the forest as it was when the outcomes known by then had been learnt.
"""

import sys
import time

import numpy as np
from river.forest import ARFClassifier, ARFRegressor


def main(source: str, target: str) -> None:
    with np.load(source) as held:
        X, y, classes, first, delays = (held[k] for k in ("X", "y", "classes", "first", "delays"))
    rows = [dict(enumerate(row)) for row in np.nan_to_num(X, nan=-1.0).tolist()]
    truth = y.astype(int).tolist() if classes else y.tolist()
    forest = ARFClassifier(seed=0) if classes else ARFRegressor(seed=0)

    def answer(row: int) -> float:
        return forest.predict_proba_one(rows[row]).get(1, 0.0) if classes else forest.predict_one(rows[row])

    scores, began = np.full((len(delays), len(y)), np.nan), time.process_time()
    for known in range(len(y) + 1):  # outcomes learnt so far
        for d, delay in enumerate(delays):
            row = known + int(delay)
            if known == first and delay:  # the outcomes of the reference are known before its delay has passed
                scores[d, first:row] = [answer(early) for early in range(int(first), row)]
            if known >= first and row < len(y):
                scores[d, row] = answer(row)
        if known < len(y):
            forest.learn_one(rows[known], truth[known])
    np.savez(target, scores=scores, seconds=time.process_time() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
