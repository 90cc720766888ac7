"""How long runs of one version take, measured: what decides where it runs, how much at once, and who has to wait."""

from math import inf

FIRST_ROWS = 8
LOOP_S = 0.005  # what one tick of the event loop may spend in models
RUN_S = 0.25
PAYS = 0.75  # a size twice as large is worth a longer run if it saves this much of the time a row
DOWN, UP = 0.3, 0.1  # a faster run is believed sooner: a slow one may be the machine's doing


class Pace:
    """Seconds a row, learnt for each size of a run: 1, 2–3, 4–7, … rows.

    `quick` is how many rows can run in the event loop; more than that would hold up others.

    Parameters
    ----------
    loop_s : float
        What a run in the event loop may take; 0 for what may never run there.
    """

    __slots__ = ("_loop_s", "_rates", "quick")

    def __init__(self, loop_s: float = LOOP_S) -> None:
        self._loop_s = loop_s
        self._rates: dict[int, float] = {}
        self.quick = 0

    def add(self, rows: int, seconds: float) -> None:
        """Learn from one run."""
        size, rate = rows.bit_length(), seconds / rows
        known = self._rates.get(size)
        self._rates[size] = rate if known is None else known + (DOWN if rate < known else UP) * (rate - known)
        self.quick = self._fitting()

    def seconds(self, rows: int) -> float:
        """Return how long a run of so many rows should take at most; infinite while nothing is known."""
        if not rows:
            return 0.0
        size = rows.bit_length()
        rates = self._rates
        if size in rates:
            return rates[size] * rows
        smaller = max((s for s in rates if s < size), default=None)
        if smaller is not None:
            return rates[smaller] * rows
        larger = min(rates, default=None)
        return inf if larger is None else rates[larger] * (1 << larger - 1)

    def room(self, limit: int) -> int:
        """Return how many rows the next run may have: a quarter of a second of them, or more where that pays.

        The next larger size is tried once a size fits, so that the best one is found.
        """
        rates = self._rates
        if not rates:
            return min(limit, FIRST_ROWS)
        for size in sorted(rates, reverse=True):
            most, rate = (1 << size) - 1, rates[size]
            pays = rate <= PAYS * rates.get(size - 1, 0.0)
            if size == 1 or pays or rate * most <= RUN_S:
                larger = rates.get(size + 1)
                return min(limit, 2 * most + 1 if larger is None else max(most, int(RUN_S / larger)))
        return min(limit, max(1, int(RUN_S / rates[min(rates)])))

    def _fitting(self) -> int:
        fits = 0
        for size, rate in sorted(self._rates.items()):
            most = (1 << size) - 1
            if rate * most > self._loop_s:
                some = int(self._loop_s / rate)
                return some if some > most // 2 else fits
            fits = most
        return int(self._loop_s / rate)
