"""Two columns that break at once are two faults: both are found, and each is judged as if the other were mended."""

from dataclasses import replace

import numpy as np
import pytest

from setpoint.domain import value
from setpoint.domain.incident import Cause
from setpoint.domain.repaired import repaired
from setpoint.maintain.beside import also_broken, parted, under
from setpoint.maintain.case import as_seen
from setpoint.maintain.investigate import investigate


def both_broken(world, seed, lacking):
    """Return a day, its outcomes not yet known, in which the temperature comes in °F and another column not at all."""
    case = world(seed, column="temp", scale=1.8, offset=32.0)
    n = len(case.suspect)
    known = np.full(n, np.datetime64("NaT"), "M8[us]")
    inputs = {**case.suspect.inputs, lacking: np.full(n, np.nan)}
    features = tuple(value.replace(f, nullable=f.name == lacking) for f in case.schema.features)
    suspect = replace(case.suspect, inputs=inputs, outcome=np.full(n, np.nan), known=known)
    return replace(case, suspect=suspect, schema=value.replace(case.schema, features=features))


def investigated(one, case, score):
    causes, repair = investigate(one, case, score)
    return value.replace(one, causes=causes, repair=repair)


@pytest.mark.parametrize("seed", range(5))
def test_a_unit_is_found_beside_a_column_that_does_not_come(incident, finding, world, score, seed):
    case = both_broken(world, seed, "felt")
    first = investigated(incident(finding(), finding("data_quality", "null_rate", "felt")), case, score)
    found = {first.repair.subject}
    broken = also_broken(first)
    assert broken is not None
    second = investigated(first, under(case, first.repair.map), score)
    found.add(second.repair.subject)
    assert found == {"temp", "felt"}


def test_one_broken_column_is_one_fault(incident, finding, world, score):
    for seed in range(10):
        case = world(seed, column="temp", scale=1.8, offset=32.0)
        one = investigated(incident(finding()), case, score)
        assert one.causes[0].cause is Cause.UNIT
        assert also_broken(one) is None or investigate(one, under(case, one.repair.map), score)[1] is None


def test_under_a_repair_rows_look_as_the_model_would_have_seen_them(world, fahrenheit):
    case = world(column="temp", scale=1.8, offset=32.0)
    seen = as_seen(under(case, fahrenheit).suspect, (fahrenheit,))
    np.testing.assert_array_equal(seen["temp"], repaired(case.suspect.inputs, [fahrenheit])["temp"])


def test_findings_go_with_their_column(incident, finding):
    temp, wind, mae = finding(), finding(column="wind"), finding("quality", "mae", None)
    rest, theirs = parted(incident(temp, wind, mae), ["wind"])
    assert (rest.findings, theirs) == ((temp, mae), (wind,))


def test_where_no_finding_is_about_a_column_all_about_inputs_tell_of_it(incident, finding):
    temp, mae = finding(), finding("quality", "mae", None)
    rest, theirs = parted(incident(temp, mae), ["wind"])
    assert (rest.findings, theirs) == ((temp, mae), (temp,))
