"""A canary by the commands alone: deployed with a share, grown, seen in the status and the records, taken back."""

from collections import Counter
from pathlib import Path
from typing import Any


def test_a_canary_goes_its_way_by_commands(setpoint: Any, campaign: Path, calls: Any) -> None:
    told = setpoint.says("deploy", campaign, "--share", "10%")
    assert told == "campaign has no champion yet to share requests with; deploy it without a share"
    setpoint.run("deploy", campaign)
    said = setpoint.run("deploy", campaign, "--share", "10%").stdout
    assert "campaign v2 answers 10% of the requests. Next: setpoint rollout campaign --share …" in said
    assert "champion v1 90%, v2 10%;" in setpoint.run("status").stdout

    for share, refusal in (
        ("v9=10%", "model 'campaign' has no version 'v9'; it has: v1, v2"),
        ("v1=10%", "v1 is champion, and answers what is left; give shares to other versions"),
        ("v2=100%", "the share v2 100% is none; expected 0% to less than 100%"),
        ("v2=-1%", "the share v2 -1% is none; expected 0% to less than 100%"),
        ("v2=ten", "'ten' is no share; write a percentage or a fraction: 10% or 0.1"),
        ("v2", "--share v2: expected VERSION=SHARE, such as v2=10%"),
    ):
        assert setpoint.says("rollout", "campaign", "--share", share) == refusal
    assert setpoint.says("rollout", "--share", "v2=1%").startswith("--share needs the model: `setpoint rollout MODEL")

    setpoint.up()
    assert "campaign is answered by v1 50%, v2 50%" in setpoint.run("rollout", "campaign", "--share", "v2=0.5").stdout
    setpoint.predict("campaign", calls(40, seed=1).drop(columns="bought"), batch=1)
    met = Counter((r["version"], r["role"]) for r in setpoint.records("campaign"))
    assert set(met) == {("v1", "champion"), ("v2", "challenger")}
    assert "challenger" in setpoint.run("records", "campaign").stdout
    (view,) = setpoint.json("status", "campaign")["deployments"]
    assert (view["champion"], view["challenger"], view["shares"]) == ("v1", "v2", {"v1": 0.5, "v2": 0.5})
    assert setpoint.json("rollout", "campaign", "--share", "v2=0") == {"model": "campaign", "shares": {"v1": 1.0}}
