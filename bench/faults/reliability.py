"""How often the cause that is thought likeliest is right, by the weight it has: a table, and a picture of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from plan import BEGINS

EDGES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
DRAWS = 400


@dataclass(frozen=True)
class Bin:
    """Causes whose weight lies in a part of the scale; `low` and `high` are the 95 % interval of `right`."""

    first: float
    last: float
    said: float
    right: float
    low: float
    high: float
    causes: int
    trials: int


def named(rows: Sequence[dict]) -> list[tuple[int, float, bool]]:
    """Return every likeliest cause that was named under a fault: the number of its trial, its weight, whether right."""
    begun = f"{BEGINS:%Y-%m-%d}"
    return [
        (at, causes[0][2], causes[0][0] in r["asked"]["kind"].split("+"))
        for at, r in enumerate(rows)
        for opened, _, _, causes, *_ in r["looks"]
        if opened >= begun and causes and causes[0][0] != "unknown"
    ]


def unknowns(rows: Sequence[dict]) -> int:
    """Return how often it was said that the cause is not known."""
    begun = f"{BEGINS:%Y-%m-%d}"
    return sum(o >= begun and bool(c) and c[0][0] == "unknown" for r in rows for o, _, _, c, *_ in r["looks"])


def bins_of(rows: Sequence[dict]) -> list[Bin]:
    """Return the bins that hold causes.

    The looks of a trial are no independent draws, so its interval comes of trials drawn again (cluster bootstrap).
    """
    cells = defaultdict(list)
    for trial, weight, right in named(rows):
        cells[min(int(np.searchsorted(EDGES, weight, side="right")) - 1, len(EDGES) - 2)].append((trial, weight, right))
    return [_bin(EDGES[at], EDGES[at + 1], cells[at]) for at in sorted(cells)]


def _bin(first: float, last: float, held: list[tuple[int, float, bool]]) -> Bin:
    trial, weight, right = (np.array(c, float) for c in zip(*held, strict=True))
    _, place = np.unique(trial, return_inverse=True)
    hits, count = np.bincount(place, right), np.bincount(place)
    drawn = np.random.default_rng(0).integers(len(count), size=(DRAWS, len(count)))
    shares = hits[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return Bin(
        first=first, last=last, said=float(weight.mean()), right=float(right.mean()), low=float(low), high=float(high),
        causes=len(held), trials=len(count),
    )  # fmt: skip


def off(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: how far what is said lies from what is right, in the mean of causes."""
    return float(np.average([abs(b.said - b.right) for b in bins], weights=[b.causes for b in bins]))


def as_text(bins: Sequence[Bin], unknown: int) -> str:
    """Return the table."""
    if not bins:
        return ""
    head = (
        "\n| weight of the likeliest cause | said | right | 95 % over trials | causes | trials |\n" + "|---" * 6 + "|"
    )
    lines = [
        f"| {b.first:.2f} to {b.last:.2f} | {b.said:.2f} | {b.right:.2f} | {b.low:.2f} to {b.high:.2f} | {b.causes} | "
        f"{b.trials} |"
        for b in bins
    ]
    tail = f"\n{off(bins):.3f} off in the mean; and {unknown} times the cause was said to be unknown"
    return "\n".join([head, *lines, tail])


SIZE, EDGE = 320, 44


def as_picture(bins: Sequence[Bin]) -> str:
    """Return the curve as an SVG: said to the right, right upwards; larger dots have more causes."""
    most = max(b.causes for b in bins)
    marks = [
        f'<path d="M{_x(b.said):.1f} {_y(b.low):.1f}V{_y(b.high):.1f}" stroke="#2563eb" stroke-opacity=".5"/>'
        f'<circle cx="{_x(b.said):.1f}" cy="{_y(b.right):.1f}" r="{3 + 6 * (b.causes / most) ** 0.5:.1f}" '
        f'fill="#2563eb"><title>said {b.said:.2f}, right {b.right:.2f}: {b.causes} causes</title></circle>'
        for b in bins
    ]
    ticks = [
        f'<text x="{_x(v):.0f}" y="{_y(0) + 16:.0f}" text-anchor="middle">{v:g}</text>'
        f'<text x="{_x(0) - 8:.0f}" y="{_y(v) + 4:.0f}" text-anchor="end">{v:g}</text>'
        for v in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    whole = SIZE + 2 * EDGE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" role="img" '
            'font-family="sans-serif" font-size="12" fill="#6b7280">',
            "<title>How often the likeliest cause is right, by the weight it is said to have</title>",
            f'<rect x="{EDGE}" y="{EDGE}" width="{SIZE}" height="{SIZE}" fill="none" stroke="#9ca3af"/>',
            f'<path d="M{_x(0):.0f} {_y(0):.0f}L{_x(1):.0f} {_y(1):.0f}" stroke="#9ca3af" stroke-dasharray="4 4"/>',
            *ticks,
            f'<text x="{whole / 2:.0f}" y="{whole - 8}" text-anchor="middle">weight of the likeliest cause</text>',
            f'<text transform="translate(12 {whole / 2:.0f}) rotate(-90)" text-anchor="middle">how often right</text>',
            *marks,
            "</svg>",
            "",
        ]
    )


def _x(share: float) -> float:
    return EDGE + SIZE * share


def _y(share: float) -> float:
    return EDGE + SIZE * (1 - share)
