"""The demo's report: whole in one file, true to the result, and not to be fooled by names."""

import json
import math
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from setpoint.demo.charts import gain_chart, weekly_chart
from setpoint.demo.report import write_report
from setpoint.demo.result import result_of
from setpoint.demo.run import Ran
from setpoint.demo.stream import TARGET, Plan, rentals, split
from setpoint.domain.envelope import Envelope
from setpoint.domain.event import Event, What
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import Served
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict
from setpoint.loop.replay.report.drawing import WIDE, nice_ticks, rows_of

PLAN = Plan()
HOSTILE = "</title></text><script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>\"'&"
MODEL = "bike-demand"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def an_incident(found: datetime, subject: str, cause: Cause, of: str, remedy: Remedy, **repaired: Any) -> Incident:
    repair = Repair(id=f"{found:%Y%m%d}-{remedy}", remedy=remedy, subject=of, applied=found, **repaired)
    ended = repair.lifted or found + timedelta(days=3)
    return Incident(
        id=f"{MODEL}-{found:%Y%m%dT%H%M}-{subject}",
        model=MODEL,
        status=IncidentStatus.CLOSED,
        since=found - timedelta(hours=23),
        opened=found,
        investigated=found,
        subject=subject,
        findings=(),
        causes=(
            Hypothesis(cause=cause, weight=0.97, subject=of, evidence=("what callers send moved at once",)),
            Hypothesis(cause=Cause.SEASON, weight=0.02, subject="time"),
        ),
        repair=repair,
        acted_by="setpoint",
        closed=ended,
        timeline=(
            Event(
                at=found,
                what=What.NOTED,
                said=f"opened: drift {of}: 24 rows, distance 0.92 beyond 0.31; mae: 143 beyond 74",
            ),
            Event(
                at=found,
                what=What.NOTED,
                said=f"most likely {cause} of {of} (weight 0.97): what callers send moved at once",
            ),
            Event(at=found, what=What.NOTED, said=f"{remedy} by setpoint: {repair.proof}"),
            Event(
                at=ended,
                what=What.NOTED,
                said="closed: loss 48.2 on 72 records, 1.04 × healthy; good 1.25 ×, bad 1.60 ×",
            ),
        ),
    )


def incidents() -> tuple[Incident, ...]:
    mapped = "mae 121.4 → 47.3 on 24 re-scored records with temp = 0.5556·x − 17.78 (°F → °C)"
    back = "mae 188.2 with v8, 51.7 with v7 on the same 24 records (gain 136.5, 95 % interval 90.1 to 182.9)"
    waits = "the season explains it; a retraining is due anyway"
    return (
        an_incident(at("2011-11-12"), "temp", Cause.SEASON, "temp", Remedy.WAIT, proof=waits),
        an_incident(
            at("2012-02-19"), "quality", Cause.CONCEPT, "cnt", Remedy.RETRAIN, proof="mae rose by 22 for 9 days"
        ),
        an_incident(
            PLAN.unit_since + timedelta(days=1),
            "temp",
            Cause.UNIT,
            "temp",
            Remedy.INVERSE_MAP,
            proof=mapped,
            loss_before=121.4,
            loss_expected=47.3,
            loss_realised=48.2,
            lifted=PLAN.unit_until + timedelta(days=1),
        ),
        an_incident(
            PLAN.release_at + timedelta(days=1),
            "quality",
            Cause.RELEASE,
            "v8",
            Remedy.ROLLBACK,
            to_version="v7",
            proof=back,
            loss_before=188.2,
            loss_expected=51.7,
            loss_realised=55.0,
        ),
    )


def a_receipt(gain: float) -> Receipt:
    return Receipt(at=datetime(2012, 1, 1, tzinfo=UTC), realised=Gain(mean=gain, low=gain - 1, high=gain + 1, rows=168))


def rollouts() -> tuple[Rollout, ...]:
    """Ten candidates: every third is rejected, some of them in shadow."""
    made, start, rng = [], at("2011-08-02"), np.random.default_rng(0)
    for n in range(10):
        created, promoted = start + timedelta(days=49 * n), n % 3 != 2
        gain = float(rng.uniform(6, 38)) if promoted else float(rng.uniform(-9, 6))
        words = (
            f"gain {gain:.3g} on 312 held-out rows",
            "beats the naive answer: 51 against 132",
        )
        gate = Verdict(
            decision=Decision.ACCEPT,
            rows=312,
            champion_loss=50 + gain,
            candidate_loss=50,
            gain=gain,
            low=gain - 7,
            high=gain + 7,
            checks=words,
        )
        shadow = Verdict(
            decision=Decision.ACCEPT if promoted else Decision.REJECT,
            rows=168,
            champion_loss=50 + gain,
            candidate_loss=50,
            gain=gain,
            low=gain - 9,
            high=gain + 9,
            checks=(f"gain {gain:.3g} on 168 shadowed rows",),
        )
        candidate = Candidate(
            version=f"v{n + 2}", champion=f"v{n + 1}", reason="mae is off its set point", created=created, gate=gate
        )
        made.append(
            Rollout(
                candidate=candidate,
                phase=Phase.PROMOTED if promoted else Phase.REJECTED,
                shadow_since=created,
                ended=created + timedelta(days=5),
                shadow=shadow if n != 5 else None,
                receipt=a_receipt(gain * 0.8 + 2) if promoted and n != 9 else None,
            )
        )
    return tuple(made)


def a_demo() -> Ran:
    """What a run leaves behind, with answers that are the truth plus an error of a plausible size."""
    _, stream = split(rentals())
    rng, hours = np.random.default_rng(0), np.arange(len(stream))
    noise = rng.normal(size=(3, len(stream))) * (0.25 + stream[TARGET].to_numpy() / 150)
    unit = ((stream["time"] >= PLAN.unit_since) & (stream["time"] < PLAN.unit_until)).to_numpy()
    bad = ((stream["time"] >= PLAN.release_at) & (stream["time"] < PLAN.release_at + timedelta(days=1))).to_numpy()
    truth = stream[TARGET].to_numpy()
    done = rollouts()
    decisions = tuple(
        Decided(
            at=r.ended or r.candidate.created,
            cause="concept",
            subject=r.candidate.version,
            action="promote" if r.phase is Phase.PROMOTED else "reject",
            why="; ".join(r.shadow.checks) if r.shadow else "at the gate",
        )
        for r in done
    )
    return Ran(
        stream=stream,
        answers=truth + noise[0] * np.where(unit & (hours % 300 < 24), 60, 45) + bad * 160,
        static=truth + noise[1] * (52 + hours / 280) + unit * 40,
        refit=truth + noise[2] * np.where(unit, 80, 50),
        sent=len(stream),
        failed=0,
        recorded_ids=stream["id"].tolist(),
        deployment=Deployment(
            model=MODEL,
            source="demo/project",
            served=Served(champion="v11"),
            envelope=Envelope(),
            objectives=(),
            releases=(Release(version="v1", at=at("2011-07-01"), by="demo"),),
            incidents=incidents(),
            rollouts=done,
            decisions=decisions,
        ),
        plan=PLAN,
        seed=7,
        seconds=141.6,
    )


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """A result as the demo writes it to disk."""
    made: dict[str, Any] = json.loads(json.dumps(result_of(a_demo())))
    return made


def page_of(result: dict[str, Any], folder: Path) -> str:
    write_report(result, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every start tag of a page with its attributes, and what stands in its cells and titles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_loads_nothing_from_anywhere(result: dict[str, Any], tmp_path: Path) -> None:
    page = page_of(result, tmp_path)
    tags = Elements(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "use", "image"})
    assert [a for _, a in tags if "src" in a or "srcset" in a or "data" in a] == []
    assert re.findall(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", page) == []
    assert {tag for tag, a in tags if "href" in a} == {"a"}  # what a reader may follow, not what the page loads


def test_text_from_outside_stays_text(result: dict[str, Any], tmp_path: Path) -> None:
    """Whatever stands in a name, a reason or a proof, the page gets no element more than it had."""
    hostile = deepcopy(result)
    hostile["seed"] = hostile["planted"][0]["fault"] = hostile["planted"][0]["proof"] = HOSTILE
    for incident in hostile["incidents"]:
        incident |= {"subject": HOSTILE, "remedy": HOSTILE, "status": HOSTILE, "timeline": [HOSTILE] * 4}
        incident["causes"][0]["subject"] = incident["causes"][0]["cause"] = incident["repair"]["proof"] = HOSTILE
    for rollout in hostile["rollouts"]:
        rollout |= {"version": HOSTILE, "gate": [HOSTILE], "shadow": [HOSTILE]}
    for decision in hostile["decisions"]:
        decision |= dict.fromkeys(("why", "by", "action", "subject", "cause"), HOSTILE)
    for check in hostile["checks"]:
        check |= {"claim": HOSTILE, "detail": HOSTILE}
    page = page_of(hostile, tmp_path)
    expected = [tag for tag, _ in Elements(page_of(result, tmp_path)).tags]
    assert [tag for tag, _ in Elements(page).tags] == expected
    assert not [a for _, a in Elements(page).tags if any(name.startswith("on") for name in a)]


def test_shows_every_incident_and_rollout_and_decision(result: dict[str, Any], tmp_path: Path) -> None:
    page = unescape(page_of(result, tmp_path))
    for incident in result["incidents"]:
        assert incident["id"] in page
        assert incident["repair"]["proof"] in page
        assert all(line in page for line in incident["timeline"])
    assert all(f"<b>{r['version']}</b>" in page for r in result["rollouts"])
    assert all(d["why"] in page for d in result["decisions"])
    assert page.count("<b>promote</b>") == sum(d["action"] == "promote" for d in result["decisions"])


def test_says_what_came_of_it(result: dict[str, Any], tmp_path: Path) -> None:
    page = page_of(result, tmp_path)
    saved = f"{1 - result['mae']['setpoint'] / result['mae']['static']:.0%}".replace("%", " %")
    assert f"<h1>Setpoint made the model's error {saved} smaller</h1>" in page
    assert "No request failed, and each is in the log exactly once." in page
    assert page.count("✓</span>") >= sum(c["ok"] for c in result["checks"])
    assert all(f"{result['mae'][name]:.1f}" in page for name in result["mae"])
    assert "10 retrained versions reached the gate: 7 promoted, 3 rejected." in page
    assert "The gain of 6 was measured after the promotion; 6 of these did better" in page
    assert "Fanaee-T" in page
    assert "CC BY 4.0" in page


def test_does_not_hide_what_went_wrong(result: dict[str, Any], tmp_path: Path) -> None:
    worse = deepcopy(result)
    worse["mae"]["setpoint"] = 2 * worse["mae"]["static"]
    worse["requests"] |= {"failed": 3, "unrecorded": 1_204}
    worse["checks"] = [check | {"ok": n > 0} for n, check in enumerate(worse["checks"])]
    page = page_of(worse, tmp_path)
    assert "100 % larger" in page
    assert "3 requests failed and 1,204 are missing from the log." in page
    assert f"1 of {len(result['checks'])} claims of this demonstration does not hold" in page


def test_a_planted_fault_that_was_missed_has_a_row(result: dict[str, Any], tmp_path: Path) -> None:
    missed = deepcopy(result)
    nothing = dict.fromkeys(k for k in missed["planted"][0] if k not in ("fault", "planted"))
    missed["planted"][0] |= nothing | {"right": False}
    page = page_of(missed, tmp_path)
    assert "not found" in page
    assert ">not mended</small>" in page
    assert "and not seen to end" in page


def test_what_is_missing_is_a_dash(result: dict[str, Any], tmp_path: Path) -> None:
    bare = deepcopy(result)
    bare["mae"] = dict.fromkeys(bare["mae"])
    bare["seed"] = None
    bare["windows"][3] |= {"static": None, "setpoint": math.nan}
    bare["checks"] = [check | {"detail": None} for check in bare["checks"]]
    for incident in bare["incidents"]:
        incident |= {"causes": [], "remedy": None, "repair": None, "closed": None}
    for rollout in bare["rollouts"]:
        rollout |= dict.fromkeys(("expected_gain", "low", "high", "realised_gain", "ended"))
        rollout |= {"gate": [], "shadow": [], "outcome": "gate"}
    page = page_of(bare, tmp_path)
    assert re.findall(r"\bNone\b|\bnan\b|\bNaN\b", page) == []
    assert "<dt>seed</dt><dd>–</dd>" in page
    assert "<h1>What Setpoint did for the model's error</h1>" in page


def test_a_run_in_which_nothing_happened_has_a_report(result: dict[str, Any], tmp_path: Path) -> None:
    quiet = {**result, "incidents": [], "rollouts": [], "decisions": [], "planted": []}
    assert "0 retrained versions reached the gate" in page_of(quiet, tmp_path)


def test_a_week_without_a_value_is_a_gap(result: dict[str, Any]) -> None:
    broken = deepcopy(result)
    broken["windows"][40]["setpoint"] = None
    whole, gapped = (
        re.search(r'class="line setpoint" d="([^"]*)"', weekly_chart(r, WIDE))[1]  # type: ignore[index]
        for r in (result, broken)
    )
    assert whole.count("M") == 1
    assert whole.count("L") == len(result["windows"]) - 1
    assert gapped.count("M") == 2


def test_the_picture_marks_each_candidate_that_ended(result: dict[str, Any]) -> None:
    picture = weekly_chart(result, WIDE)
    outcomes = [r["outcome"] for r in result["rollouts"]]
    assert picture.count('class="flag"') == outcomes.count("promoted") == 7
    assert picture.count('class="rejected"') == outcomes.count("rejected") == 3
    assert picture.count('class="fault"') == 2
    assert gain_chart(result["rollouts"], WIDE).count('class="interval"') == 10


def test_labels_stand_clear_of_each_other_and_of_poles() -> None:
    spans = [(float(x), float(x + w)) for x, w in np.random.default_rng(1).uniform(5, 60, size=(40, 2)).cumsum(0)]
    spans = [(x, x + 5 + (y % 40)) for x, y in spans]
    rows = rows_of(spans)
    for i, (start, end) in enumerate(spans):
        for j, (other, _) in enumerate(spans):
            if i != j and start <= other < end:
                assert rows[i] > rows[j]


@pytest.mark.parametrize(("low", "high"), [(0.0, 187.3), (-12.5, 41.0), (0.0, 0.0), (0.0, 0.004), (-3.0, -1.0)])
def test_ticks_enclose_what_they_measure(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7
