"""A story as Markdown, for a wiki or a ticket."""

import re
from collections.abc import Sequence

from setpoint.loop.record.page import OVER
from setpoint.loop.record.story import Story
from setpoint.loop.record.words import facts, headline
from setpoint.monitor.report.writing import clock, number

MARKS = re.compile(r"([\\`*_\[\]<>#|~!&])")
LONGEST = 500


def incident_markdown(story: Story) -> str:
    """Return the record as Markdown; texts from outside stay text."""
    i = story.incident
    kind = "Post-mortem" if i.status in OVER else "Incident"
    parts = [f"# {kind}: {_text(headline(story))}", f"`{i.id}`, model `{i.model}`"]
    rows = [(n, f"<{t}>" if n == "Runbook" else _text(t)) for n, t in facts(story)]
    parts.append(_table(("", ""), rows))
    if i.causes:
        causes = [
            (f"{c.weight:.2f}", _text(f"{c.cause} of {c.subject}"), _text("; ".join(c.evidence))) for c in i.causes
        ]
        parts += ["## Causes", _table(("weight", "cause", "evidence"), causes)]
    if len(i.rankings) > 1:
        looks = [
            (clock(r.at), _text(", ".join(f"{w.cause} of {w.subject} {w.weight:.2f}" for w in r.weights[:3])))
            for r in i.rankings
        ]
        parts += ["## Weights, look by look", _table(("when (UTC)", "likeliest"), looks)]
    events = [(clock(e.at), str(e.what), _text(e.by), _text(e.said)) for e in i.timeline]
    parts += ["## Timeline", _table(("when (UTC)", "what", "who", "said"), events)]
    findings = [
        (
            _text(f"{f.monitor} {f.metric}"),
            _text(f.column or f.segment or ""),
            number(f.value),
            number(f.limit),
            f"{f.rows:,}",
        )
        for f in i.findings
    ]
    parts += ["## Findings", _table(("measured", "of", "value", "limit", "rows"), findings)] if findings else []
    return "\n\n".join(parts) + "\n"


def _text(text: str) -> str:
    """Return one line that Markdown shows as it is."""
    line = " ".join(text.split())
    return MARKS.sub(r"\\\1", line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
