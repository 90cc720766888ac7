"""The picture: what recording costs, against the size of the log. What must be flat is drawn from zero."""

import math

from rows import NARROW, WIDE

from setpoint.demo.charts import Scale, nice_ticks, tag

WIDTH, HEIGHT = 430, 190  # of a panel
LEFT, TOP, GAP = 56, 46, 84
SAID = {"table": "all columns", "read": "for the loop", "profile": "profile"}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 13.5px; font-weight: 600; fill: #111 }
.grid { stroke: #ddd } .goal { stroke: #b3261e; stroke-dasharray: 5 4 } .goal-name { fill: #b3261e }
path { fill: none; stroke-width: 2 } .s0 { stroke: #1f5fa8 } .s1 { stroke: #d97706 } .s2 { stroke: #4b8b3b }
circle.s0 { fill: #1f5fa8 } circle.s1 { fill: #d97706 } circle.s2 { fill: #4b8b3b } .given-up { fill: #fff }
"""


def picture(found):
    """Return an SVG of four panels."""
    chunks = {model: found[model]["chunks"] for model in (NARROW.model, WIDE.model)}
    names = {model: f"{found[model]['features']} columns" for model in chunks}
    cost = {names[m]: [(c["rows"], 1e6 * c["took"]["cpu_s"] / c["records"]) for c in cs] for m, cs in chunks.items()}
    memory = {names[m]: [(c["rows"], c["took"]["peak_mb"]) for c in cs] for m, cs in chunks.items()}
    panels = [
        panel("Ingest, CPU µs a record", cost, goal=(20.0, "50,000 records/s of a core")),
        panel("Ingest, peak memory, MB", memory),
        panel("An hour of the log, ms", windows(found[NARROW.model]), goal=(100.0, "100 ms"), powers=True),
        panel("Profile of a month, ms", windows(found[WIDE.model], profiles=True), goal=(200.0, "200 ms"), powers=True),
    ]
    across, down = WIDTH + LEFT + 20, HEIGHT + TOP + GAP
    moved = [tag("g", one, transform=f"translate({i % 2 * across},{i // 2 * down})") for i, one in enumerate(panels)]
    size = {"width": 2 * across, "height": 2 * down}
    whole = tag("svg", tag("style", STYLE), tag("rect", fill="#fff", **size), *moved,
                xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {2 * across} {2 * down}", **size)  # fmt: skip
    return str(whole)


def windows(recorded, *, profiles=False):
    """Return the windows of one log by what was asked: by a fresh process, or again by the same one."""
    series = {}
    for size, looks in recorded["windows"].items():
        for name, look in looks.items():
            if name == "table, the last hour" or name.startswith("profile") is not profiles:
                continue
            for kind in ("cold_ms",) if name.startswith("read") else ("cold_ms", "warm_ms"):
                label = f"{SAID[name.partition(',')[0]]}, {'fresh' if kind == 'cold_ms' else 'again'}"
                series.setdefault(label, []).append((int(size), look.get(kind)))
    return series


def panel(title, series, *, goal=None, powers=False):
    """Return one plot: lines through points, from zero; `powers`: sizes as powers of ten. None is drawn at the top."""
    place = math.log10 if powers else float
    xs = [place(x) for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points if y is not None]
    first = min(xs) if powers else 0.0
    ticks = nice_ticks(0.0, max([*ys, goal[0] * 1.1 if goal else 0.0]))
    x = Scale(first=first, last=max(*xs, first + 1e-9), start=LEFT, end=LEFT + WIDTH)
    y = Scale(first=0.0, last=ticks[-1], start=TOP + HEIGHT, end=TOP)
    parts = [tag("text", title, class_="title", x=8, y=20), *(_gridline(y, tick) for tick in ticks)]
    for at in sorted(set(xs)) if powers else nice_ticks(0.0, max(xs)):
        if at <= max(xs):
            words = f"{10**at:,.0f}" if powers else f"{at / 1e6:g} M"
            parts.append(
                tag("text", words, x=x(at), y=TOP + HEIGHT + 18, text_anchor="end" if at == max(xs) else "middle")
            )
    if goal:
        parts.append(tag("line", class_="goal", x1=LEFT, x2=LEFT + WIDTH, y1=y(goal[0]), y2=y(goal[0])))
        parts.append(tag("text", f"at most: {goal[1]}", class_="goal-name", x=LEFT + 6, y=y(goal[0]) - 5))
    for nth, (name, points) in enumerate(series.items()):
        at = [(x(place(n)), y(ticks[-1] if value is None else value), value) for n, value in points]
        parts.append(tag("path", class_=f"s{nth}", d="M" + "L".join(f"{a:g},{b:g}" for a, b, _ in at)))
        if powers:
            parts += [
                tag("circle", class_=f"s{nth}{' given-up' if v is None else ''}", cx=a, cy=b, r=3.5) for a, b, v in at
            ]
        parts.append(tag("circle", class_=f"s{nth}", cx=LEFT + 5 + nth * 165, cy=TOP + HEIGHT + 38, r=4))
        parts.append(tag("text", name, x=LEFT + 14 + nth * 165, y=TOP + HEIGHT + 42))
    return tag("g", *parts)


def _gridline(y, tick):
    return tag(
        "g",
        tag("line", class_="grid", x1=LEFT, x2=LEFT + WIDTH, y1=y(tick), y2=y(tick)),
        tag("text", f"{tick:,g}", x=LEFT - 6, y=y(tick) + 4, text_anchor="end"),
    )
