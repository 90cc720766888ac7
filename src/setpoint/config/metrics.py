"""Every metric an objective may name: for which tasks, which way is better, and what else its line must say."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "near", "either"]
TASKS = ("binary", "multiclass", "regression")
CLASSES = ("binary", "multiclass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is known of a metric before anything is measured.

    `better` is "near" where a value is right rather than good: the objective bounds its distance from `ideal`.
    `needs` are further keys of the objective.
    """

    better: Better
    tasks: tuple[str, ...] = TASKS
    needs: tuple[str, ...] = ()
    ideal: float = 0.0


def _quality(task: str, better: Better, *names: str, needs: tuple[str, ...] = ()) -> dict[str, Metric]:
    return {name: Metric(better=better, tasks=(task,), needs=needs) for name in names}


def _of_classes(better: Better, *names: str) -> dict[str, Metric]:
    return {name: Metric(better=better, tasks=CLASSES) for name in names}


SERVICE = {
    **{name: Metric(better="lower") for name in ("latency_p50_ms", "latency_p99_ms", "error_rate")},
    "availability": Metric(better="higher"),
}
DECISIONS = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "matthews")
CATALOGUE = {
    **_of_classes("higher", "roc_auc", "accuracy", "balanced_accuracy"),
    **_of_classes("lower", "log_loss", "calibration_error"),
    **_of_classes("near", "calibration_in_the_large"),
    **_quality("binary", "higher", "average_precision", *DECISIONS[2:]),
    **_quality("binary", "lower", "brier"),
    "calibration_slope": Metric(better="near", tasks=("binary",), ideal=1.0),
    **_quality("binary", "higher", "precision_at_top", "lift_at_top", needs=("top",)),
    **_quality("binary", "higher", "value_per_decision", needs=("gain",)),
    **_quality("multiclass", "higher", "macro_f1"),
    **_quality("regression", "lower", "mae", "rmse", "median_absolute_error", "mape", "smape", "wape", "rmsle"),
    **_quality("regression", "higher", "r2"),
    "bias": Metric(better="near", tasks=("regression",)),
    **_quality("regression", "lower", "pinball", needs=("quantile",)),
    **_quality("regression", "lower", "mase", needs=("season",)),
}
FAIRNESS = {"fairness_gap": Metric(better="lower", needs=("of", "by"))}
GAPS = {
    "binary": ("selection_rate", "recall", "false_positive_rate", "mean_error"),
    "multiclass": ("accuracy", "mean_error"),
    "regression": ("mean_error",),
}
EVERY = {**CATALOGUE, **FAIRNESS, **SERVICE}
METRICS = tuple(EVERY)
QUALITY = {task: tuple(name for name, m in CATALOGUE.items() if task in m.tasks) for task in TASKS}
EXTRA_KEYS = ("top", "gain", "quantile", "season", "of", "by")


SHARES = (
    *("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1"),
    *("brier", "calibration_error", "precision_at_top", "macro_f1"),
)
INF = float("inf")


def span(metric: str) -> tuple[float, float]:
    """Return the least and the largest value a metric can have: no bound goes beyond."""
    if metric in SHARES:
        return 0.0, 1.0
    if metric == "matthews":
        return -1.0, 1.0
    if metric == "r2":
        return -INF, 1.0
    if metric == "lift_at_top":
        return 0.0, INF
    return (0.0 if metric in CATALOGUE and CATALOGUE[metric].better == "lower" else -INF), INF


def is_own(metric: str) -> bool:
    """Whether a metric is the user's own function, named like `metrics.py:profit`."""
    return ":" in metric


def is_quality(metric: str) -> bool:
    """Whether a metric says how good the answers are; it needs outcomes."""
    return metric in CATALOGUE or is_own(metric)


def known(metric: str) -> Metric:
    """Return what is known of a metric; of the user's own, that either way may be better."""
    return Metric(better="either") if is_own(metric) else EVERY[metric]
