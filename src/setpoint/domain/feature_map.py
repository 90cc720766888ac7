"""Repairs at the door: what the model sees in the place of what is sent of a column. Small, and taken away again."""

from enum import StrEnum

from setpoint.domain.odds import Odds
from setpoint.domain.value import value

TOLD = 4  # levels and columns that words name


class DoorKind(StrEnum):
    """The kinds of repair at the door; a remedy of the same name puts one in place."""

    INVERSE_MAP = "inverse_map"
    MAP_LEVELS = "map_levels"
    SWAP_BACK = "swap_back"
    IMPUTE = "impute"
    IGNORE = "ignore"


class Sign(StrEnum):
    """What shows, in a single row, that a column is broken."""

    MISSING = "missing"
    HELD = "held"  # one value that comes again and again, as of a frozen column
    UNSEEN = "unseen"  # a level that no healthy row has
    UNLIKE = "unlike"  # far from what the other columns let expect


@value
class Levels:
    """What the model knows the levels by that are sent: `expected` by what is sent, one-to-one.

    Of all others, those in `known` stay, and what is in neither is missing for the model. Without `known` they all
    stay as they are sent. `share` is the share of rows since the fault that held a level which no healthy row has.
    """

    expected: dict[str, str]
    known: tuple[str, ...] = ()
    share: float = 1.0


@value
class Peer:
    """The part that another numeric column has in an imputed value: its weight, inside the range of healthy rows."""

    feature: str
    weight: float
    low: float
    high: float


@value
class Instead:
    """What stands in the place of a value that is missing or `held`, or of every value where it stands `everywhere`.

    A number is `base` plus the parts of its peers, inside `low` to `high`; where one of those is missing, and where
    there are none, the `constant` stands; None: the value is missing for the model.

    Each of `steps` is what stands in the place of one value, the one at which it is `held`.

    `sign` and `share` say by what, and in which share of the rows since the fault, the column was seen to be broken:
    by that it is told later whether it is well again.
    """

    peers: tuple[Peer, ...] = ()
    base: float = 0.0
    low: float | None = None
    high: float | None = None
    constant: float | str | None = None
    held: float | str | None = None
    everywhere: bool = False
    sign: Sign = Sign.MISSING
    share: float = 1.0
    steps: tuple["Instead", ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing stands there: the value is ignored."""
        return not self.peers and not self.steps and self.constant is None

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns from which a value is made."""
        return tuple(dict.fromkeys(p.feature for part in (self, *self.steps) for p in part.peers))


@value
class Apart:
    """The range of healthy values, `low` to `high`: only rows with a value outside it are repaired.

    `share` is the share of rows since the fault that lay outside it.
    """

    low: float
    high: float
    share: float


@value
class FeatureMap:
    """One repair of one column: of `levels`, `swap` and `instead` at most one is set.

    Where none is, the model sees `scale * x + offset` where the caller sent x. `swap` names the column that this one
    is exchanged with. With `apart` or `odds` only some rows are sent so, and only those are repaired.
    """

    id: str
    feature: str
    scale: float = 1.0
    offset: float = 0.0
    label: str = ""
    apart: Apart | None = None
    levels: Levels | None = None
    swap: str | None = None
    odds: Odds | None = None
    instead: Instead | None = None

    @property
    def kind(self) -> DoorKind:
        """What kind of repair it is."""
        if self.levels is not None:
            return DoorKind.MAP_LEVELS
        if self.swap is not None:
            return DoorKind.SWAP_BACK
        if self.instead is not None:
            return DoorKind.IGNORE if self.instead.nothing else DoorKind.IMPUTE
        return DoorKind.INVERSE_MAP

    @property
    def changes(self) -> tuple[str, ...]:
        """The columns that the model sees otherwise."""
        return (self.feature,) if self.swap is None else (self.feature, self.swap)

    @property
    def partly(self) -> bool:
        """Whether some rows are sent as they should be."""
        return self.apart is not None or self.odds is not None

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it needs."""
        if self.odds is not None:
            return (*self.changes, *(t.feature for t in self.odds.ties))
        return self.changes if self.instead is None else (*self.changes, *self.instead.reads)


def in_order(maps: tuple[FeatureMap, ...]) -> tuple[FeatureMap, ...]:
    """Return repairs in the order of their work: what is imputed is imputed from repaired columns."""
    last = {DoorKind.IGNORE: 1, DoorKind.IMPUTE: 2}
    return tuple(sorted(maps, key=lambda m: last.get(m.kind, 0))) if len(maps) > 1 else maps


def words(repair: FeatureMap) -> str:
    """Say what a repair does."""
    name, instead = repair.feature, repair.instead
    if repair.levels is not None:
        return _of_levels(name, repair.levels)
    spared = f" outside {repair.apart.low:.4g} to {repair.apart.high:.4g}" if repair.apart is not None else ""
    likelier = " where that makes a row likelier" if repair.odds is not None else ""
    if repair.swap is not None:
        where = f" where {name} lies{spared}" if repair.apart is not None else likelier
        return f"{name} and {repair.swap} exchanged{where}"
    if instead is None:
        return f"{name} = {formula(repair.scale, repair.offset, repair.label)}{spared or likelier}"
    where = "whatever is sent" if instead.everywhere else "where it is missing"
    if not instead.everywhere and instead.held is not None:
        where += f" or {_plain(instead.held)}"
    if instead.nothing:
        return f"{name} treated as missing {where.replace('missing or ', '')}"
    constant = "missing" if instead.constant is None else _plain(instead.constant)
    if instead.steps:
        steps = _listed([_plain(s.held) for s in instead.steps if s.held is not None])
        return f"{name} imputed where it is {steps}" + (f" from {_listed([*instead.reads])}" if instead.reads else "")
    if not instead.peers:
        return f"{name} = {constant} {where}"
    peers = _listed([p.feature for p in instead.peers])
    return f"{name} imputed {where} from {peers} ({constant} where one of them is missing)"


def formula(scale: float, offset: float, label: str = "") -> str:
    """Write a map of numbers as people do: `0.5556·x − 17.78 (°F → °C)`."""
    sum_ = f" {'+' if offset > 0 else '−'} {abs(offset):.4g}" if offset else ""
    return f"{scale:.4g}·x{sum_}" + (f" ({label})" if label else "")


def _of_levels(name: str, levels: Levels) -> str:
    pairs = _listed([f"{sent!r} as {expected!r}" for sent, expected in levels.expected.items()])
    rest = ", what is not known as missing" if levels.known else ""
    return f"{name} read {pairs}{rest}" if pairs else f"{name} read{rest.removeprefix(',')}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:TOLD]) + (f" … ({len(names)} in all)" if len(names) > TOLD else "")


def _plain(constant: float | str) -> str:
    return repr(constant) if isinstance(constant, str) else f"{constant:.4g}"
