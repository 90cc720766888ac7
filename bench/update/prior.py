"""What the expected gain starts from: least squares over every look at the streams that the policy was tuned on.

Prints the constants of update/gain.py: `python bench/update/prior.py [--data FOLDER] [--cache FOLDER]`.
"""

import argparse
from pathlib import Path

import numpy as np
from fits import CACHE, Fits
from fixed import WINDOWS
from ours import RECEIPT, Replay
from streams import TUNED_ON, UNITS, streams
from world import DELAYS, World

DATA = Path(__file__).parents[3] / "shared" / "datasets"


class Watched(Replay):
    """The policy, and beside each of its looks the training that might have been made then."""

    def __post_init__(self):
        super().__post_init__()
        self.seen = []

    def look(self, unit):
        super().look(unit)
        w, known = self.world, self.world.frontier(unit)
        if known <= w.first[1] + self.unit_rows or unit + RECEIPT > UNITS:
            return
        _, signs = self.situation(unit)
        rows = slice(w.stream.row(unit), w.stream.row(unit + RECEIPT))
        stayed = w.loss_of(self.lined(w.fits.scores(*self.champion)))[rows].mean()
        kept = dict(self.born)  # what is not made has no line
        made = self.made(known, WINDOWS["latest"], known - self.fitted)
        won, self.born = 1 - self.losses(made)[rows].mean() / stayed, kept
        self.seen.append((1.0, np.clip(signs.decay, -1, 1), float(signs.lined), max(won, -1.0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, default=CACHE)
    args = parser.parse_args()
    groups = []
    for s in streams(args.data, TUNED_ON):
        fits = Fits(s, args.cache)
        for delay in DELAYS:
            watched = Watched(World(s, fits, delay))
            watched.run()
            groups.append(np.array(watched.seen))
    every = np.concatenate(groups)
    line = np.linalg.lstsq(every[:, :3], every[:, 3], rcond=None)[0]
    missed = [g[:, 3] - g[:, :3] @ line for g in groups]
    within = np.sqrt(np.mean([m.var() for m in missed]))
    print(f"{len(every)} looks: BASE, BY_DECAY, BY_LINE = {', '.join(f'{x:.3f}' for x in line)}")
    print(f"OFFSET_SD = {np.std([m.mean() for m in missed], ddof=1):.2f}, SPREAD_SD = {within:.2f}")


if __name__ == "__main__":
    main()
