"""The set point: what a deployed model must hold."""

from collections.abc import Iterable

from setpoint.domain.value import value

LATENCIES = ("latency_p50_ms", "latency_p99_ms")


@value
class Gain:
    """What each kind of decision of a binary task brings, in the operator's own unit."""

    tp: float
    fp: float
    fn: float
    tn: float


@value
class Objective:
    """A metric and the bound it must hold over a window; exactly one of `at_least`, `at_most` is set.

    The rest is what some metrics need: `top` (a fraction of the rows), `quantile`, `season` (rows), `gain`; `of` and
    `by` of a fairness gap (which rate, and the column whose segments are compared). `function` is where the user's own
    metric is found: `/path/to/file.py:function`.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    window_s: float = 7 * 86_400.0
    top: float | None = None
    quantile: float | None = None
    season: int | None = None
    gain: Gain | None = None
    of: str | None = None
    by: str | None = None
    function: str | None = None

    @property
    def target(self) -> float:
        """The bound, whichever side it is on."""
        bound = self.at_most if self.at_least is None else self.at_least
        assert bound is not None
        return bound

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.at_least is not None

    def met_by(self, value: float) -> bool:
        """Whether a value stands on the right side of the bound."""
        return value >= self.target if self.higher_is_better else value <= self.target

    @property
    def name(self) -> str:
        """The metric with what it needs, in words: `precision_at_top 10%`, `fairness_gap of recall by sex`."""
        needs = {
            "top": f"{self.top:.4%}".rstrip("0%").rstrip(".") + "%" if self.top is not None else "",
            "of": f"of {self.of} by {self.by}" if self.of is not None else "",
            "quantile": f"of {self.quantile:g}" if self.quantile is not None else "",
        }
        return " ".join([self.metric, *(text for text in needs.values() if text)])


def asked_latency_us(objectives: Iterable[Objective]) -> float | None:
    """Return the shortest latency that the objectives ask for (µs); None where none does."""
    asked = [o.target * 1e3 for o in objectives if o.metric in LATENCIES]
    return min(asked, default=None)


def asked_gain(objectives: Iterable[Objective]) -> Gain | None:
    """Return what the objectives say a decision brings; None where none does."""
    return next((o.gain for o in objectives if o.gain is not None), None)
