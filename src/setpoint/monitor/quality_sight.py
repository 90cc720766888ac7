"""Which window a quality objective needs, and what is seen in it, by the influence of the reference rows."""

import math

from setpoint.config.metrics import span
from setpoint.config.units import SECONDS, duration
from setpoint.monitor.metric_choice import Choice
from setpoint.monitor.proposed import Need, Watch, quantity
from setpoint.monitor.quality import FEWEST_ROWS
from setpoint.monitor.seen import level_of
from setpoint.monitor.sight import separate
from setpoint.stats.intervals import t_quantile
from setpoint.stats.power import Rule, fixed, interval_widths, rows_needed
from setpoint.stats.quality.measured import BLOCKS, OTHERWISE

WINDOWS_S = tuple(n * SECONDS["h"] for n in (1, 6, 12)) + tuple(n * SECONDS["d"] for n in (1, 2, 7, 14, 28))
USUAL_S = 7 * SECONDS["d"]
LONGEST_DAYS = 730.0
POWER = 0.8
BLIND = "No window of two years shows a change a fifth beyond its bound"
WHY_BLIND = (
    "Where no window shows a change, too few outcomes come, or the metric moves as much between stretches of the "
    "reference: sudden steps of the loss, drift and estimates have to tell"
)


def rule_of(choice: Choice, rows: int, alpha: float) -> Rule:
    """Return the rule of a quality objective on so many rows: how far a metric must fall from what was measured."""
    known = len(choice.found.psi)
    se, _ = choice.found.error()
    if rows < FEWEST_ROWS or not math.isfinite(se):
        return Rule(floor=choice.room, sd=math.inf, widths=fixed(math.inf))
    blocks, sd = min(BLOCKS, rows // 4), se * math.sqrt(known / rows)
    least = OTHERWISE * choice.found.grain * known / rows * t_quantile(alpha, blocks - 1)
    return Rule(floor=choice.room, sd=sd, widths=interval_widths(sd, alpha, blocks).clip(min=least))


def level(budget: float, goals: int, window_s: float) -> float:
    """Return the error of one bound of one of so many quality objectives."""
    return level_of(budget, separate(window_s), 2 * goals)


def watch_of(
    choice: Choice,
    *,
    budget: float,
    goals: int,
    rate_s: float,
    delay_s: float,
    held: bool,
    window_s: float | None = None,
) -> Watch:
    """Return a quality objective with the window it needs, and what it sees there.

    Parameters
    ----------
    budget : float
        False actions a year, of all monitors.
    goals : int
        Quality objectives that share it.
    rate_s, delay_s : float
        Records a second (0: not known), and how late their outcomes come: of a window, the newest rows have none.
    window_s : float, optional
        The window where it is settled.
    """

    def smallest(rows: int, window_s: float, power: float = POWER) -> float:
        return rule_of(choice, rows, level(budget, goals, window_s)).smallest(power)

    def rows_of(window_s: float) -> int:
        return round(rate_s * max(window_s - delay_s, 0))

    matters, step = choice.matters, choice.matters - choice.room
    if window_s is None:
        fitting = (w for w in WINDOWS_S if smallest(rows_of(w), w) <= matters)
        window_s = next(fitting, WINDOWS_S[-1]) if rate_s else USUAL_S
    needs = tuple(
        Need(change=change, rows=rows_needed(lambda n: smallest(n, window_s), change, FEWEST_ROWS) if change else None)
        for change in (choice.room + step / 2, matters, matters + step)
    )
    found = [smallest(rows_of(window_s), window_s, p) if rate_s else math.inf for p in (POWER, 0.95)]
    found = [size if size <= choice.most else math.inf for size in found]
    (low, high), (least, most) = choice.found.bounds(0.025), span(choice.metric)
    alpha = level(budget, goals, window_s)
    return Watch(
        monitor="quality",
        metric=choice.metric,
        window_s=window_s,
        unit="",
        held=held,
        limit=choice.bound,
        at_least=choice.higher_is_better,
        measured=choice.found.value,
        low=_real(max(low, least)),
        high=_real(min(high, most)),
        rows=rows_of(window_s) if rate_s else None,
        smallest=_real(found[0]),
        smallest_95=_real(found[1]),
        needs=needs,
        false_alarms=alpha * separate(window_s),
        why=choice.why,
        remark=choice.doubt or _remark(needs[1], rate_s, delay_s, window_s, found[0] <= matters),
        top=choice.top,
        season=choice.season,
    )


def _real(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _remark(need: Need, rate_s: float, delay_s: float, window_s: float, found: bool) -> str:
    """Say what a change that matters takes, where no usual window is long enough for it."""
    if need.rows is None:
        return "No number of records proves a change a fifth beyond its bound"
    if not rate_s:
        return f"How many records a day come is not known: choose a window that holds {quantity(need.rows)} outcomes"
    if found:
        return ""
    days = need.rows / rate_s / 86_400 + delay_s / 86_400
    if days > LONGEST_DAYS:
        return BLIND
    span = f"{days / 7:,.0f} weeks" if days >= 21 else f"{days:,.1f} days"
    late = f", which come {duration(delay_s)} late" if delay_s else ""
    return (
        f"A change a fifth beyond the bound takes about {quantity(need.rows)} outcomes: {span} at "
        f"{quantity(rate_s * 86_400)} a day{late}"
    )
