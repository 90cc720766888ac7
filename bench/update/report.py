"""The tables, in Markdown."""

import numpy as np
from sklearn.metrics import roc_auc_score
from streams import GROUPS, REFERENCE

from setpoint.domain.schema import Task
from setpoint.stats.paired import mean_interval

BESIDE = ("ADWIN", "PSI", "river", "oracle", "ours")


def compared(world, outcomes, replay):
    """Return what is reported of a stream with a delay: of each policy the loss, the fits and the promotions."""
    s, never = world.stream, outcomes["never"]
    against = mean_interval(never.losses - outcomes["ours"].losses, level=0.95)
    clocks = {name: o for name, o in outcomes.items() if name.startswith("every ")}
    best = min(clocks, key=lambda name: clocks[name].loss)
    return {
        "stream": s.name, "group": s.group, "note": s.note, "rows": len(s.y), "delay": world.delay, "best": best,
        "naive": float(world.naive[s.row(REFERENCE) :].mean()),
        "gain": {"mean": against.mean, "low": against.low, "high": against.high},
        "moves": {str(move): count for move, count in replay.moves.items()},
        "policies": {name: _summary(s, outcome) for name, outcome in outcomes.items()},
    }  # fmt: skip


def _summary(stream, outcome):
    row = {"loss": outcome.loss, "fits": outcome.fits, "promotions": outcome.promotions}
    if stream.task is Task.BINARY:
        y = stream.y[stream.row(REFERENCE) :]
        row["auc"] = float(roc_auc_score(y, outcome.scores))
        row["accuracy"] = float(np.mean((outcome.scores > 0.5) == y))
    return row


def gain(row, policy):
    """Return the share of never's loss that a policy saves."""
    return 1 - row["policies"][policy]["loss"] / row["policies"]["never"]["loss"]


def share(row):
    """Return the share of the best fixed policy's gain that ours reaches."""
    return gain(row, "ours") / gain(row, row["best"])


def stream_table(found, delay):
    """Return the gains of every policy at one delay: the loss saved in % of never's, and the fits."""
    head = f"Outcomes {delay} % of the stream late" if delay else "Outcomes known at once"
    lines = [f"**{head}**: loss saved against never, % (fits)", ""]
    lines += _head("Stream", "Loss of never", "Same as last", "Every unit", "Best clock in hindsight", "ADWIN", "PSI",
                   "river's forest", "Oracle", "**Setpoint**", "Setpoint's 95 % interval")  # fmt: skip
    for row in (r for r in found if r["delay"] == delay):
        never = row["policies"]["never"]["loss"]
        unit = max(("every 1, all", "every 1, latest"), key=lambda name: gain(row, name))
        cells = [
            _name(row),
            f"{never:.4g}",
            f"{100 * (1 - row['naive'] / never):.1f}",
        ]
        cells += [_cell(row, unit), f"{_cell(row, row['best'])} {row['best']}"]
        cells += [_cell(row, name) if name in row["policies"] else "–" for name in BESIDE]
        low, high = (100 * row["gain"][end] / never for end in ("low", "high"))
        lines.append(_line(*cells, f"{low:.1f} to {high:.1f}"))
    return "\n".join(lines)


def _name(row):
    return row["stream"] if row["group"] == "reported" else f"{row['stream']} ({row['group']})"


def _cell(row, policy):
    fits = row["policies"][policy]["fits"]
    return f"{100 * gain(row, policy):.1f}" + (f" ({fits})" if policy != "river" else "")


def share_table(found):
    """Return the share of the best clock's gain, and of its fits, that ours takes."""
    delays = sorted({row["delay"] for row in found})
    lines = ["**Share of the best clock's gain, % (fits, its fits)**", ""]
    lines += _head("Stream", *(f"{d} % late" for d in delays))
    for name in dict.fromkeys(row["stream"] for row in found):
        rows = [next(r for r in found if r["stream"] == name and r["delay"] == d) for d in delays]
        lines.append(_line(_name(rows[0]), *map(_share, rows)))
    for group in GROUPS:
        cells = []
        for d in delays:
            rows = [r for r in found if r["delay"] == d and r["group"] == group and gain(r, r["best"]) > 0.02]
            fits = sum(r["policies"]["ours"]["fits"] for r in rows), sum(r["policies"][r["best"]]["fits"] for r in rows)
            cells.append(f"{100 * np.mean([share(r) for r in rows]):.0f} ({fits[0]}, {fits[1]})" if rows else "–")
        lines.append(_line(f"**mean, {group}**", *cells))
    return "\n".join(lines)


def _share(row):
    fits = f"({row['policies']['ours']['fits']}, {row['policies'][row['best']]['fits']})"
    if gain(row, row["best"]) <= 0.02:
        return f"nothing to gain {fits}"
    return f"{100 * share(row):.0f} {fits}"


def quality_table(found):
    """Return AUC and accuracy where the outcome is a class: the log loss hides whether the order got any better."""
    lines = ["**AUC · accuracy**", ""]
    lines += _head("Stream", "Late", "never", "best clock", "river's forest", "Setpoint")
    for row in found:
        if "auc" in row["policies"]["never"]:
            names = ("never", row["best"], "river", "ours")
            quality = [row["policies"].get(name) for name in names]
            cells = [f"{q['auc']:.3f} · {q['accuracy']:.3f}" if q else "–" for q in quality]
            lines.append(_line(row["stream"], f"{row['delay']} %", *cells))
    return "\n".join(lines)


def _head(*names):
    return [_line(*names), "|" + "---|" * len(names)]


def _line(*cells):
    return f"| {' | '.join(cells)} |"
