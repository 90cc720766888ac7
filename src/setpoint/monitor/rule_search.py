"""Rules between columns, found in a reference: what holds on both halves of it and would be surprising by chance."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.domain.data_contract import Rule
from setpoint.domain.records import Column, Columns
from setpoint.domain.value import replace
from setpoint.domain.where import named
from setpoint.monitor.rules import Judge, Judged, texts
from setpoint.stats.intervals import design_effect
from setpoint.stats.relations import lines, products, sums, tolerance

MOST_ROWS = 20_000  # that are searched
FEWEST_ROWS = 200
SLACK = 0.001  # share of the rows of either half that may break a rule
LIFT = 0.05  # share of rows that would break it if one of its columns were shuffled
FALSE_RULES = 0.01  # expected number in a table of independent columns
MOST_RULES = 60
FEW_LEVELS, MANY_LEVELS = 30, 2_000  # of a premise, of a dependency
FEWEST_CASES = 30  # rows of a premise, in either half
REPEATS = 10  # rows a level, on average, below which a column determines nothing

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A rule and how it would fare by chance: `lift` is the share broken with a column shuffled."""

    rule: Rule
    lift: float


class Search:
    """The rows a search looks at, and what it knows of each column.

    `ordered` are the columns of numbers with at least three values, `numbers` those that are no times, `coded` the
    number of each row's level in columns with few, −1 for null. `dependence` is how many neighbouring rows are worth
    one (design effect), by column.
    """

    def __init__(self, columns: Columns, seed: int = 0, times: Collection[str] = ()) -> None:
        rows = len(next(iter(columns.values()))) if columns else 0
        at = np.linspace(0, rows - 1, min(rows, MOST_ROWS)).astype(int)
        self.columns = {name: column[at] for name, column in columns.items()}
        self.rows, self.rng = len(at), np.random.default_rng(seed)
        self.half = self.rows // 2
        self.levels: dict[str, list[str]] = {}
        self.coded: dict[str, NDArray[np.int64]] = {}
        self.nulls = {name: _null(column) for name, column in self.columns.items()}
        for name, column in self.columns.items():
            self._code(name, column)
        self.ordered = [n for n, c in self.columns.items() if c.dtype != object and _moves(c)]
        self.numbers = [n for n in self.ordered if n not in times]
        self.dependence = {name: self._dependence(name) for name in self.columns}

    def _code(self, name: str, column: Column) -> None:
        filled = column[~self.nulls[name]]
        few = len(set(filled[:2_000].tolist())) <= MANY_LEVELS
        distinct = np.unique(filled.astype(str) if column.dtype == object else filled) if few else ()
        if 1 < len(distinct) <= min(MANY_LEVELS, self.rows // REPEATS):
            named_as = texts(column)
            self.levels[name] = list(dict.fromkeys(v for v in named_as if v is not None))
            number = {level: at for at, level in enumerate(self.levels[name])}
            self.coded[name] = np.array([-1 if v is None else number[v] for v in named_as], np.int64)

    def _dependence(self, name: str) -> float:
        column, coded = self.columns[name], self.coded.get(name)
        if column.dtype != object:
            series = [_ranks(column)]
        elif coded is not None:
            usual = np.argsort(-np.bincount(coded[coded >= 0]))[:3]
            series = [(coded == level).astype(np.float64) for level in usual]
        else:
            series = []
        series.append(self.nulls[name].astype(np.float64))
        return max(design_effect(s) for s in series)

    def proven(self, rule: Rule, tests: int, dependence: float | None = None) -> Found | None:
        """Return a rule if it holds on both halves, and would not by chance.

        Shuffling any one of its columns must break it on at least `LIFT` of the rows, and that it was kept all the same
        must have a probability below `FALSE_RULES` / `tests`, each row weighing as its dependence on neighbours allows
        (by default the strongest of its columns').
        """
        judged = Judge(self._only(rule))(rule)
        if judged.rows < FEWEST_ROWS // 2 or not self._held(judged):
            return None
        lift = min(self._shuffled(rule, name) for name in rule.columns)
        alike = dependence or max(self.dependence[name] for name in rule.columns)
        if not self.surprising(judged.rows, judged.share, lift, alike, tests):
            return None
        return Found(replace(rule, rows=judged.rows, broken=judged.share), lift)

    def surprising(self, rows: int, broken: float, lift: float, alike: float, tests: int) -> bool:
        """Whether so few broken rows are too few for chance, which would break a share of `lift`."""
        worth = rows / alike
        return lift >= LIFT and _log_chance(broken * worth, worth, lift) <= np.log(FALSE_RULES / tests)

    def varied(self, name: str) -> bool:
        """Whether a column changes often enough that its levels are more than stretches of time."""
        return self.rows / self.dependence[name] >= 10 * FEWEST_CASES

    def _held(self, judged: Judged) -> bool:
        for part in (slice(None, self.half), slice(self.half, None)):
            counted = int(judged.counted[part].sum())
            if counted < FEWEST_CASES or judged.broken[part].sum() > SLACK * counted:
                return False
        return True

    def _only(self, rule: Rule) -> dict[str, Column]:
        return {name: self.columns[name] for name in rule.columns}

    def _shuffled(self, rule: Rule, name: str) -> float:
        columns = self._only(rule)
        return Judge({**columns, name: self.rng.permutation(columns[name])})(rule).share


def _ranks(values: Column) -> FloatArray:
    """Return ranks: dependence that no outlier hides; nulls stand in the middle."""
    finite = np.isfinite(values)
    ranks = np.full(len(values), 0.5)
    ranks[finite] = np.argsort(np.argsort(values[finite], kind="stable")) / max(int(finite.sum()), 1)
    return ranks


def _null(column: Column) -> NDArray[np.bool_]:
    found = column == np.array(None) if column.dtype == object else np.isnan(column)
    return np.asarray(found, bool)


def _moves(column: Column) -> bool:
    finite = column[np.isfinite(column)]
    return len(np.unique(finite)) > 2


def _log_chance(hits: float, rows: float, share: float) -> float:
    """Return the log probability of at most so many hits, by Chernoff's bound: counts may be fractions."""
    p = min(hits / max(rows, 1.0), share)
    if share >= 1:
        return -np.inf
    gap = special.xlogy(p, p / share) if p > 0 else 0.0
    return -rows * float(gap + special.xlog1py(1 - p, -p) - (1 - p) * np.log1p(-share))


def found_rules(columns: Columns, seed: int = 0, times: Collection[str] = ()) -> tuple[Rule, ...]:
    """Return the rules that hold between columns, most surprising first, at most `MOST_RULES`.

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
        float64 with NaN for null, or object holding str and None; rows in time order. Below `FEWEST_ROWS` rows nothing
        can be learnt.
    seed : int
        Of the shuffles.
    times : collection of str
        Columns of numbers that are moments: they have an order, and nothing to be added.
    """
    search = Search(columns, seed, times)
    if search.rows < FEWEST_ROWS:
        return ()
    with np.errstate(invalid="ignore", over="ignore"):
        found = list(_equal(search))
        twins = {f.rule.columns[1] for f in found}
        names = [name for name in search.columns if name not in twins]
        found += _equations(search, names)
        related = [set(f.rule.columns) for f in found]
        found += _orders(search, names, related)
        found += _nulls(search, names)
        determined = list(_determines(search, names, related))
        found += determined
        found += _implies(search, names, [*related, *(set(f.rule.columns) for f in determined)])
    best = sorted(found, key=lambda f: -f.lift)[:MOST_RULES]
    return tuple(f.rule for f in sorted(best, key=found.index))


def _equal(search: Search) -> Iterator[Found]:
    names = list(search.columns)
    pairs = [(a, b) for a, b in combinations(names, 2) if search.columns[a].dtype == search.columns[b].dtype]
    twins: set[str] = set()
    for a, b in pairs:
        if {a, b} & twins or not _same_probes(search.columns[a], search.columns[b]):
            continue
        found = search.proven(_rule("equal", f"{named(a)} == {named(b)}", a, b), len(pairs))
        if found:
            twins.add(b)
            yield found


def _same_probes(a: Column, b: Column) -> bool:
    at = np.linspace(0, len(a) - 1, 50).astype(int)
    same = a[at] == b[at]
    return bool(np.mean(same | _null(a[at]) | _null(b[at])) >= 0.95) and bool(np.any(same))


def _rule(kind: str, text: str, *columns: str, among: str = "") -> Rule:
    return Rule(kind=kind, text=text, columns=columns, among=among)


def _equations(search: Search, names: list[str]) -> Iterator[Found]:
    """Find sums, products, and columns that are another one in another unit."""
    numeric = [name for name in names if name in search.numbers]
    if len(numeric) < 2:
        return
    x = np.column_stack([search.columns[name] for name in numeric])
    near, tests = tolerance(x), max(len(numeric) ** 4, 1)
    derived: set[int] = set()
    for of, to, scale, offset in lines(x):
        shift = f" {'+' if offset > 0 else '-'} {abs(offset):g}" if offset else ""
        found = _equation(
            search, numeric, (of,), to, f"{'' if scale == 1 else f'{scale:g} * '}{{0}}{shift}", near[to], tests
        )
        if found and to not in derived:
            derived.add(to)
            yield found
    keep = [at for at in range(len(numeric)) if at not in derived]
    numeric, x, near = [numeric[at] for at in keep], x[:, keep], near[keep]
    for sign, each in (("+", sums), ("*", products)):
        for terms, total in each(x):
            text = f" {sign} ".join(f"{{{at}}}" for at in range(len(terms)))
            found = _equation(search, numeric, terms, total, text, near[total], tests)
            if found:
                yield found


def _equation(
    search: Search, names: list[str], terms: tuple[int, ...], total: int, text: str, near: float, tests: int
) -> Found | None:
    """Prove an equation, exact or within the rounding of its total."""
    used = [names[at] for at in terms]
    side, whole = text.format(*map(named, used)), named(names[total])
    columns = (*used, names[total])
    exact = search.proven(Rule(kind="equation", text=f"{whole} == {side}", columns=columns), tests)
    rounded = Rule(kind="equation", text=f"abs({whole} - ({side})) <= {2 * near:g}", columns=columns)
    return exact or search.proven(rounded, tests)


def _orders(search: Search, names: list[str], related: list[set[str]]) -> Iterator[Found]:
    """Find `a <= b`; what follows from others is left out."""
    numeric = [name for name in names if name in search.ordered]
    x = {name: search.columns[name] for name in numeric}
    at = np.linspace(0, search.rows - 1, min(search.rows, 1_000)).astype(int)
    tests = len(numeric) * (len(numeric) - 1)
    found: dict[tuple[str, str], Found] = {}
    for a, b in permutations(numeric, 2):
        if {a, b} in related or any({a, b} <= columns for columns in related) or (x[a][at] > x[b][at]).mean() > 0.01:
            continue
        apart = x[b] - x[a]  # two that rise together say as much as how far apart they stay
        alike = design_effect(_ranks(apart))
        if proven := search.proven(_rule("order", f"{named(a)} <= {named(b)}", a, b), tests, alike):
            found[a, b] = proven
    for (a, b), proven in found.items():
        if not any((a, c) in found and (c, b) in found for c in numeric):
            yield proven


def _nulls(search: Search, names: list[str]) -> Iterator[Found]:
    """Find columns that are null together, or of which exactly one is, or one only where another is."""
    holes = {n: search.nulls[n] for n in names if 0.01 <= search.nulls[n].mean() <= 0.99}
    tests = 2 * len(holes) ** 2
    for a, b in combinations(holes, 2):
        x, y, both = named(a), named(b), holes[a] & holes[b]
        if _rarely(holes[a] != holes[b]):
            text = f"{x} is None and {y} is None or {x} is not None and {y} is not None"
        elif _rarely(holes[a] == holes[b]):
            text = f"{x} is None and {y} is not None or {x} is not None and {y} is None"
        elif _rarely(holes[a] & ~both):
            text = f"{x} is not None or {y} is None"
        elif _rarely(holes[b] & ~both):
            text = f"{y} is not None or {x} is None"
        else:
            continue
        if found := search.proven(_rule("nulls", text, a, b), tests):
            yield found


def _rarely(broken: NDArray[np.bool_]) -> bool:
    return bool(broken.mean() <= SLACK)


def _determines(search: Search, names: list[str], related: list[set[str]]) -> Iterator[Found]:
    """Find columns whose value settles that of another one: `zip determines city`."""
    coded = {n: search.coded[n] for n in names if n in search.coded and search.varied(n)}
    spread = {n: c for n, c in coded.items() if np.bincount(c[c >= 0]).max() <= (1 - LIFT) * search.rows}
    pairs = [(a, b) for a, b in permutations(spread, 2) if len(search.levels[a]) >= len(search.levels[b])]
    found: dict[tuple[str, str], Found] = {}
    for a, b in pairs:
        if {a, b} in related or (b, a) in found:
            continue
        levels = _settled(search, a, b)
        rule = replace(_rule("determines", f"{a} determines {b}", a, b), levels=levels)
        if levels and (proven := search.proven(rule, len(pairs))):
            found[a, b] = proven
    for (a, b), proven in found.items():
        if not any((a, c) in found and (c, b) in found for c in coded):
            yield proven


def _settled(search: Search, of: str, to: str) -> dict[str, str]:
    """Return what each level of the first half goes with; empty where it goes with several."""
    a, b = search.coded[of][: search.half], search.coded[to][: search.half]
    known = (a >= 0) & (b >= 0)
    width = len(search.levels[to])
    if len(search.levels[of]) * width > 4_000_000 or not known.any():
        return {}
    counts = np.bincount(a[known] * width + b[known], minlength=len(search.levels[of]) * width).reshape(-1, width)
    most = counts.max(axis=1)
    if most.sum() < (1 - SLACK) * counts.sum():
        return {}
    return {search.levels[of][at]: search.levels[to][counts[at].argmax()] for at in np.flatnonzero(most)}


def _implies(search: Search, names: list[str], related: list[set[str]]) -> Iterator[Found]:
    """Find levels with which another column is always null, never null, or always on one level."""
    premises = {
        n: search.coded[n]
        for n in names
        if n in search.coded and len(search.levels[n]) <= FEW_LEVELS and search.varied(n)
    }
    tests = max(sum(len(search.levels[n]) for n in premises) * len(names), 1)
    found_keys: set[frozenset[tuple[str, str]]] = set()
    for rule, key in _cases(search, premises, names, related, tests):
        if key not in found_keys and (found := search.proven(rule, tests)):
            found_keys.add(key)
            yield found


def _cases(
    search: Search, premises: Mapping[str, NDArray[np.int64]], names: list[str], related: list[set[str]], tests: int
) -> Iterator[tuple[Rule, frozenset[tuple[str, str]]]]:
    """Yield implications that the counts allow, and the pair of levels that each excludes."""
    for a, codes in premises.items():
        counts = np.bincount(codes[codes >= 0], minlength=len(search.levels[a]))
        for b in names:
            if a == b or {a, b} in related:
                continue
            alike = max(search.dependence[a], search.dependence[b])
            for at, text, lift, key in _consequences(search, codes, b, coded=b in premises):
                if counts[at] >= 2 * FEWEST_CASES and search.surprising(int(counts[at]), 0.0, lift, alike, tests):
                    among = f"{named(a)} == {_level(search, a, at)}"
                    excluded = frozenset({(a, search.levels[a][at]), (b, key)})
                    yield _rule("implies", text, a, b, among=among), excluded


def _consequences(
    search: Search, codes: NDArray[np.int64], b: str, *, coded: bool
) -> Iterator[tuple[int, str, float, str]]:
    """Yield, by level of the premise, what another column is with (almost) all its rows.

    A consequence is a condition, the share of all rows that do not have it, and the level or state that it excludes.
    """
    known = codes >= 0
    cases = np.maximum(np.bincount(codes[known]), 1)
    holes = np.bincount(codes[known], weights=search.nulls[b][known], minlength=len(cases)) / cases
    overall = float(search.nulls[b].mean())
    for at in np.flatnonzero(holes >= 1 - SLACK):
        yield int(at), f"{named(b)} is None", 1 - overall, "filled"
    for at in np.flatnonzero(holes <= SLACK):
        yield int(at), f"{named(b)} is not None", overall, "null"
    if not coded:
        return
    said = _beside(search, codes, b)
    shares = said.sum(axis=0) / max(said.sum(), 1)
    for at in np.flatnonzero(said.max(axis=1) >= (1 - SLACK) * np.maximum(said.sum(axis=1), 1)):
        top = int(said[at].argmax())
        others = [level for n, level in enumerate(search.levels[b]) if n != top]
        excluded = others[0] if len(others) == 1 else f"not {top}"
        yield int(at), f"{named(b)} == {_level(search, b, top)}", 1 - float(shares[top]), excluded


def _beside(search: Search, codes: NDArray[np.int64], b: str) -> NDArray[np.int64]:
    """Count the levels of b beside those of the premise, shape (n_levels of the premise, n_levels of b)."""
    other, width = search.coded[b], len(search.levels[b])
    known = (codes >= 0) & (other >= 0)
    height = int(codes.max()) + 1
    return np.bincount(codes[known] * width + other[known], minlength=height * width).reshape(-1, width)


def _level(search: Search, name: str, at: int) -> str:
    text = search.levels[name][at]
    return repr(text) if search.columns[name].dtype == object else text
