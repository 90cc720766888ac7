"""The picture: what candidates were expected to win, against what they won."""

from setpoint.demo.charts import Scale, nice_ticks, tag

SIDE, LEFT, TOP, BELOW = 330, 58, 40, 70
WORDS = ("across: expected gain and its 90 % interval, share of the loss;", "up: realised gain; filled: promoted")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 13.5px; font-weight: 600; fill: #111 }
.grid { stroke: #ddd } .same { stroke: #888; stroke-dasharray: 5 4 } .bar { stroke: #1f5fa8; stroke-opacity: .22 }
.out { stroke: #b3261e; stroke-opacity: .4 }
circle { fill: #1f5fa8; fill-opacity: .75 } .open { fill: #fff; stroke: #1f5fa8 }
"""


def picture(book):
    """Return an SVG of two panels: the streams that the estimate was tuned on, and the others."""
    panels = [
        _panel("Streams it was tuned on", [a for a in book if a.group == "tuned on"]),
        _panel("Other streams", [a for a in book if a.group != "tuned on"]),
    ]
    across = SIDE + LEFT + 24
    moved = [tag("g", panel, transform=f"translate({i * across},0)") for i, panel in enumerate(panels)]
    size = {"width": 2 * across, "height": SIDE + TOP + BELOW}
    inside = tag("style", STYLE), tag("rect", fill="#fff", **size), *moved
    box = f"0 0 {size['width']} {size['height']}"
    return str(tag("svg", *inside, xmlns="http://www.w3.org/2000/svg", viewBox=box, **size))


def _panel(title, some):
    """Draw each candidate: expected across with its 90 % interval, realised up; red where the interval missed it."""
    x = Scale(first=-1.0, last=1.0, start=LEFT, end=LEFT + SIDE)
    y = Scale(first=-1.0, last=1.0, start=TOP + SIDE, end=TOP)
    covered = sum(a.low <= a.realised <= a.high for a in some)
    parts = [tag("text", f"{title}: {covered} of {len(some)} covered", class_="title", x=8, y=20)]
    for tick in nice_ticks(-1.0, 1.0):
        parts += [
            tag("line", class_="grid", x1=LEFT, x2=LEFT + SIDE, y1=y(tick), y2=y(tick)),
            tag("text", f"{tick:.0%}", x=LEFT - 6, y=y(tick) + 4, text_anchor="end"),
            tag("text", f"{tick:.0%}", x=x(tick), y=TOP + SIDE + 17, text_anchor="middle"),
        ]
    parts.append(tag("line", class_="same", x1=x(-1), x2=x(1), y1=y(-1), y2=y(1)))
    for a in some:
        kind = "bar" if a.low <= a.realised <= a.high else "out"
        ends = {"x1": x(max(a.low, -1)), "x2": x(min(a.high, 1))}
        parts.append(tag("line", class_=kind, **ends, y1=y(a.realised), y2=y(a.realised)))
    for a in some:
        parts.append(tag("circle", class_="" if a.promoted else "open", cx=x(a.expected), cy=y(a.realised), r=3))
    for line, words in enumerate(WORDS):
        parts.append(tag("text", words, x=8, y=TOP + SIDE + 40 + 17 * line))
    return tag("g", *parts)
