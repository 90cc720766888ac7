"""What each investigation of the trials saw, with the truth: hypotheses can be weighed on hundreds of them at once.

python bench/faults/run.py --cases /tmp/cases          # keeps them
python bench/faults/cases.py /tmp/cases [--first]      # investigates all again with today's hypotheses

from cases import cases
for c in cases(Path("/tmp/cases")):
    causes, repair = investigate(c.incident, c.case, c.score)   # c.truth: the planted faults; c.asked: data, kind, seed
"""

import argparse
import pickle
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from plan import CACHE, DATA, Asked
from sets import data_sets

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Incident
from setpoint.faults import spoiled
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.maintain.case import Case
from setpoint.maintain.investigate import investigate
from setpoint.store.bundles import FolderBundleStore

_SCORERS: dict[str, Any] = {}


@dataclass(frozen=True)
class Kept:
    """One investigation: `look` counts those of a trial from 1; `found` is what was thought then."""

    asked: Asked
    truth: tuple[Fault, ...]
    incident: Incident
    case: Case
    found: tuple
    look: int

    def score(self, version, inputs):
        """Ask a version again, as it answers under the planted faults."""
        name = self.asked.data
        if name not in _SCORERS:
            data = data_sets(DATA, CACHE, [name])[0]
            bundles = FolderBundleStore(data.home / "bundles")
            _SCORERS[name] = (BundleScorer(bundles), data.file.model)
        scorer, model = _SCORERS[name]
        mine = [f for f in self.truth if f.kind in ("release", "exception") and f.version in ("", version)]

        def ask(columns):
            return scorer.score(model, "v1", columns)

        return spoiled(mine[0], ask, inputs, self.case.schema) if mine else ask(inputs)


def cases(folder: Path, first: bool = False) -> Iterator[Kept]:
    """Yield the kept investigations; `first`: of each trial only the first one that came after the fault began."""
    done = set()
    for path in sorted(folder.glob("*.pickle")):
        kept = pickle.loads(path.read_bytes())
        if first and kept["asked"].name in done:
            continue
        done.add(kept["asked"].name)
        look = int(path.stem.rsplit(".", 1)[1])
        yield Kept(kept["asked"], kept["faults"], kept["incident"], kept["case"], kept["found"], look)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", action="store_true", help="only the first investigation of each trial")
    args = parser.parse_args()
    said: dict[str, list[list[str]]] = defaultdict(list)
    began, n = time.perf_counter(), 0
    warnings.simplefilter("ignore")
    for c in cases(args.folder, args.first):
        causes, _ = investigate(c.incident, c.case, c.score)
        said[c.asked.kind].append([str(h.cause) for h in causes])
        n += 1
    print(f"{n} investigations in {time.perf_counter() - began:.0f} s")
    for kind, of in sorted(said.items()):
        top = Counter(s[0] for s in of)
        first = np.mean([s[0] in kind.split("+") for s in of])
        three = np.mean([bool(set(kind.split("+")) & set(s[:3])) for s in of])
        print(f"{kind:12} n {len(of):4}  top-1 {first:.2f}  top-3 {three:.2f}  ", dict(top.most_common(5)))


if __name__ == "__main__":
    main()
