"""Planted faults on real streams: is the cause right, the map right, the loss regained, the quiet left alone?

    python bench/faults/one_look.py [DATASETS] [--days N]

DATASETS is the folder with bike_hourly/ and gas_turbine/. Each trial is one incident at the end of the first day under
the fault (24 rows), after four healthy weeks.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from streams import DAY, Model, Stream, bike, turbine, unlabelled

from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Release
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.profile import Binning
from setpoint.domain.records import Columns, Records, moment
from setpoint.domain.repaired import repaired
from setpoint.domain.value import replace
from setpoint.maintain.case import Case
from setpoint.maintain.investigate import investigate
from setpoint.maintain.recovery import recovered
from setpoint.maintain.well import well_again

DATA = Path(__file__).parents[3] / "shared" / "datasets"
ACTS = (Remedy.INVERSE_MAP, Remedy.ROLLBACK)
WEEKS = 28 * DAY
TRAINED = 90 * DAY
SPOILED = {
    "°C → °F": (1.8, 32.0),
    "°C → K": (1.0, 273.15),
    "× 100": (100.0, 0.0),
    "÷ 10": (0.1, 0.0),
    "× 7 + 3": (7.0, 3.0),
}


@dataclass
class Trial:
    column: str
    kind: str
    causes: tuple[Hypothesis, ...]
    repair: Repair | None
    seconds: float


def incident_of(stream: Stream, at: int, columns: Sequence[str], quality: bool) -> Incident:
    since, until = moment(stream.time[at]), moment(stream.time[at + DAY - 1])
    shape = {"since": since, "until": until, "rows": DAY, "value": 1.0, "limit": 0.1, "alarm": True}
    findings = [Finding(monitor="drift", metric="drift_location", column=c, **shape) for c in columns]
    findings += [Finding(monitor="quality", metric="mae_step", **shape)] if quality else []
    return Incident(
        id=f"m-{at}", model="m", status=IncidentStatus.OPEN, since=since, opened=until,
        subject=columns[0] if columns else "quality", findings=tuple(findings),
    )  # fmt: skip


def look(
    stream: Stream,
    at: int,
    rows: Records,
    healthy: Records,
    models: dict[str, Model],
    released: int,
    incident: Incident,
    kind: str,
) -> Trial:
    champion = Release(version="v2", at=moment(stream.time[released]), by="bench", replaced="v1")
    case = Case(
        schema=stream.schema, binning=Binning(columns={}), healthy=healthy, suspect=rows, champion=champion,
        previous=Release(version="v1", at=moment(stream.time[models["v1"].until]), by="bench"),
    )  # fmt: skip
    started = time.perf_counter()
    causes, repair = investigate(incident, case, lambda version, x: {"prediction": models[version](x)})
    return Trial(incident.subject, kind, causes, repair, time.perf_counter() - started)


def rolling(stream: Stream, at: int, cache: dict[int, Model]) -> Model:
    """A model of the last 90 days, as a well kept deployment would have; a month is one model."""
    until = at // WEEKS * WEEKS
    if until not in cache:
        cache[until] = stream.fit(until - TRAINED, until)
    return cache[until]


def mae(stream: Stream, since: int, until: int, model: Model, inputs: Columns) -> float:
    return float(np.abs(model(inputs) - stream.target[since:until]).mean())


@dataclass
class UnitTrial(Trial):
    right: bool
    map_right: bool
    repaired: bool
    regained: float
    damage: float
    verdict: str
    verdict_rows: int
    lifted_rows: int | None
    false_lifts: int


def unit_trial(
    stream: Stream, at: int, column: str, kind: str, model: Model, labels: bool, rng: np.random.Generator
) -> UnitTrial:
    """Plant one unit change; it may start a little before or after the window that raised the alarm."""
    scale, offset = SPOILED[kind]
    start, weeks = at + int(rng.integers(-6, 13)), int(rng.integers(2, 7))
    end = start + weeks * 7 * DAY

    def sent(since: int, until: int) -> Columns:
        x = stream.columns(since, until)
        under = (np.arange(since, until) >= start) & (np.arange(since, until) < end)
        return {**x, column: np.where(under, scale * x[column] + offset, x[column])}

    models = {"v1": model, "v2": model}
    healthy = stream.records(at - WEEKS, at, model, "v2", sent(at - WEEKS, at))
    day = stream.records(at, at + DAY, model, "v2", sent(at, at + DAY))
    if not labels:
        day = unlabelled(day)
    incident = incident_of(stream, at, [column], labels)
    trial = look(stream, at, day, healthy, models, at - WEEKS, incident, kind)
    right = trial.causes[0].cause is Cause.UNIT and trial.causes[0].subject == column
    if trial.repair is None or trial.repair.map is None:
        return UnitTrial(
            **vars(trial),
            right=right,
            map_right=False,
            repaired=False,
            regained=0.0,
            damage=0.0,
            verdict="",
            verdict_rows=0,
            lifted_rows=None,
            false_lifts=0,
        )
    m = trial.repair.map
    a, b = at + DAY, end
    x = stream.columns(a, b)[m.feature]
    back = m.scale * sent(a, b)[m.feature] + m.offset
    exact = bool(np.abs(back - x).max() <= 0.01 * np.ptp(stream.columns(at - WEEKS, b)[m.feature]))
    clean = mae(stream, a, b, model, stream.columns(a, b))
    harmed = mae(stream, a, b, model, sent(a, b))
    mended = mae(stream, a, b, model, repaired(sent(a, b), [m]))
    acted = replace(incident, repair=trial.repair)
    verdict, rows = "none", 0
    for rows in range(12, min(b - a, 14 * DAY), 6):
        since = stream.records(a, a + rows, model, "v2", repaired(sent(a, a + rows), [m]))
        answer = recovered(acted, since, healthy)[0]
        if answer is not None:
            verdict = str(answer)
            break

    def lifted(until: int) -> bool:
        return well_again(
            m, stream.records(until - DAY, until, model, "v2", sent(until - DAY, until)), healthy, stream.schema
        )[0]

    false_lifts = sum(lifted(u) for u in range(a, b, 6))
    lift = next((k for k in range(1, 8 * DAY) if lifted(b + k)), None)
    return UnitTrial(
        **vars(trial),
        right=right,
        map_right=exact,
        repaired=m.feature == column,
        regained=(harmed - mended) / (harmed - clean) if harmed > clean else 1.0,
        damage=harmed / clean - 1,
        verdict=verdict,
        verdict_rows=rows,
        lifted_rows=lift,
        false_lifts=false_lifts,
    )


def unit_trials(stream: Stream, columns: Sequence[tuple[str, str]], days: int, labels: bool) -> Iterator[UnitTrial]:
    cache: dict[int, Model] = {}
    static = stream.fit(0, TRAINED)
    rng = np.random.default_rng(1)
    starts = np.linspace(TRAINED + 2 * WEEKS, len(stream.target) - 60 * DAY, days).astype(int)
    for column, kind in columns:
        for i, at in enumerate(starts):
            yield unit_trial(
                stream,
                int(at) + int(rng.integers(24)),
                column,
                kind,
                static if i % 2 else rolling(stream, at, cache),
                labels,
                rng,
            )


def shuffled(x):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    return x.assign(**{COLUMN[0]: rng.permutation(x[COLUMN[0]].to_numpy())})


def shifted(x):  # type: ignore[no-untyped-def]
    return x.assign(**{COLUMN[0]: np.roll(x[COLUMN[0]].to_numpy(), 6)})


COLUMN = ["hr"]


def release_trials(stream: Stream, column: str, days: int) -> Iterator[Trial]:
    """A release that was trained on a spoiled column takes over around the first row of the window."""
    COLUMN[0] = column
    cache: dict[int, Model] = {}
    rng = np.random.default_rng(2)
    for at in np.linspace(TRAINED + 2 * WEEKS, len(stream.target) - 60 * DAY, days).astype(int):
        for kind, spoil in (("shuffled", shuffled), ("shifted", shifted)):
            good, until = rolling(stream, at, cache), at // WEEKS * WEEKS
            bad = stream.fit(until - TRAINED, until, spoil)
            released = int(at) + int(rng.integers(1, 6))
            healthy = stream.records(at - WEEKS, at, good, "v1")
            day = stream.records(at, at + DAY, bad, "v2")
            old = stream.records(at, released, good, "v1")
            day = replace(
                day,
                version=np.where(np.arange(at, at + DAY) < released, "v1", "v2").astype(object),
                score=np.concatenate([old.score, day.score[released - at :]]),
            )
            yield look(
                stream, at, day, healthy, {"v1": good, "v2": bad}, released, incident_of(stream, at, [], True), kind
            )


def quiet_trials(stream: Stream, columns: Sequence[str], windows: int) -> Iterator[Trial]:
    """Nothing planted; alarms as the worst monitor would raise them, on every kind of subject."""
    cache: dict[int, Model] = {}
    static = stream.fit(0, TRAINED)
    for i, at in enumerate(np.linspace(TRAINED + 2 * WEEKS, len(stream.target) - 4 * DAY, windows).astype(int)):
        fresh = rolling(stream, at, cache)
        old, new = (static, fresh) if i % 3 else (rolling(stream, at - WEEKS, cache), fresh)
        champion = static if i % 2 else new
        models = {"v1": static if champion is static else old, "v2": champion}
        healthy = stream.records(at - WEEKS, at, champion, "v2")
        day = stream.records(at, at + DAY * (1 + i % 3), champion, "v2")
        subjects = [[], [columns[i % len(columns)]], list(columns)][i % 3]
        released = at - (1 if i % 4 else WEEKS)
        after = at + DAY, min(at + 8 * DAY, len(stream.target))
        later = ", ".join(f"{v} {mae(stream, *after, m, stream.columns(*after)):.3g}" for v, m in models.items())
        alarmed = incident_of(stream, at, subjects, i % 2 == 0)
        yield look(stream, at, day, healthy, models, released, alarmed, f"(MAE of the next 7 days: {later})")


def row(t: Sequence[UnitTrial]) -> tuple[object, ...]:
    """Figures of the trials of one column and fault."""
    r = [x for x in t if x.repaired]
    lifts = [x.lifted_rows for x in r if x.lifted_rows]
    hurt = [x.regained for x in r if x.damage > 0.05]
    return (
        t[0].column,
        t[0].kind,
        len(t),
        sum(x.right for x in t),
        len(r),
        sum(x.map_right for x in t),
        f"{np.median(hurt):.2f}" if hurt else "",
        f"{np.median([x.damage for x in r]):+.2f}" if r else "",
        "/".join(str(sum(x.verdict == v for x in r)) for v in ("True", "False", "none")),
        f"{np.median([x.verdict_rows for x in r]):.0f}" if r else "",
        f"{np.median(lifts):.0f}/{max(lifts)}" if lifts else "",
        sum(x.lifted_rows is None for x in r),
        sum(x.false_lifts for x in r),
        f"{max(x.seconds for x in t):.2f}",
    )


HEAD = ("column", "fault", "n", "cause", "repair", "map-1%", "regained", "damage", "recovered-T/F/?")
HEAD += ("rows", "lift-rows", "never", "false-lifts", "s")


def table(name: str, trials: Sequence[UnitTrial]) -> None:
    """Print one row a column and fault; regained is the median where the damage was above 5 %."""
    print(f"\n{name}: {len(trials)} trials, 24 rows each")
    rows = [
        row([t for t in trials if (t.column, t.kind) == g]) for g in dict.fromkeys((t.column, t.kind) for t in trials)
    ]
    for cells in (HEAD, *rows):
        print(*(f"{c!s:>{max(len(h), 9) + 1}}" for c, h in zip(cells, HEAD, strict=True)))
    wrong = [t.repair for t in trials if t.repair and t.repair.remedy in ACTS and not t.repaired]
    print(f"wrong repairs: {len(wrong)}", *(r.proof for r in wrong), sep="\n  ")


def causes(name: str, trials: Sequence[Trial]) -> None:
    print(f"\n{name}: {len(trials)} windows; slowest {max(t.seconds for t in trials):.2f} s")
    acted = [t for t in trials if t.repair and t.repair.remedy in ACTS]
    top: dict[str, int] = {}
    for t in trials:
        key = f"{t.causes[0].cause}{'' if t.causes[0].weight >= 0.7 else ' (< 0.7)'}"
        top[key] = top.get(key, 0) + 1
    print("  likeliest:", ", ".join(f"{k} {n}" for k, n in sorted(top.items(), key=lambda p: -p[1])))
    print(
        f"  repairs: {len(acted)}",
        *(f"{t.kind} {t.repair.remedy} {t.repair.proof}" for t in acted[:8] if t.repair),
        sep="\n    ",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path, nargs="?", default=DATA)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--windows", type=int, default=120)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    b, g = bike(args.datasets), turbine(args.datasets)
    bike_faults = [
        ("temp_c", "°C → °F"),
        ("temp_c", "°C → K"),
        ("temp_c", "× 100"),
        ("temp_c", "× 7 + 3"),
        ("atemp_c", "°C → °F"),
        ("hum", "× 100"),
        ("windspeed", "÷ 10"),
    ]
    turbine_faults = [
        ("AT", "°C → °F"),
        ("AT", "°C → K"),
        ("AP", "× 100"),
        ("AP", "÷ 10"),
        ("TEY", "× 7 + 3"),
        ("TIT", "°C → °F"),
        ("AH", "÷ 10"),
    ]
    if "unit" in (args.only or "unit"):
        table("bike_hourly, unit", list(unit_trials(b, bike_faults, args.days, labels=True)))
        table("bike_hourly, unit, no outcomes", list(unit_trials(b, bike_faults[:2], args.days, labels=False)))
        table("gas_turbine, unit", list(unit_trials(g, turbine_faults, args.days, labels=True)))
    if "release" in (args.only or "release"):
        causes("bike_hourly, bad release (hr)", list(release_trials(b, "hr", args.days)))
        causes("gas_turbine, bad release (AT)", list(release_trials(g, "AT", args.days)))
    if "quiet" in (args.only or "quiet"):
        causes("bike_hourly, quiet", list(quiet_trials(b, ["temp_c", "atemp_c", "hum", "windspeed"], args.windows)))
        causes("gas_turbine, quiet", list(quiet_trials(g, ["AT", "AP", "TIT", "TEY"], args.windows)))


if __name__ == "__main__":
    main()
