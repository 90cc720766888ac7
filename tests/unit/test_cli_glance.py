"""What `setpoint monitor` prints: within 80 columns, the worst first, in any terminal."""

import io

import pytest
from rich.console import Console

from setpoint.cli.monitoring.glance import glance
from setpoint.cli.monitoring.sparks import spark
from setpoint.domain.value import replace
from setpoint.monitor.overview.build import overview_of
from tests.unit.monitor.overview.conftest import a_finding, gather, numbers


def shown(overview, *, encoding="utf-8", width=80, **how):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    glance(Console(file=file, width=width), overview, **how)
    return raw.getvalue().decode(encoding)


def a_look(**changes):
    at_hand = gather(numbers(2_000, 12), numbers(700, 12, seed=1))
    return overview_of(replace(at_hand, findings=(a_finding(),), **changes))


def test_what_is_wrong_comes_first_and_what_is_quiet_is_one_line():
    lines = [line.rstrip() for line in shown(a_look()).splitlines()]
    assert lines[0].startswith("demand  v1  2024-03-01 – 2024-03-29 (28 d)  700 answers")
    assert lines[1] == "✗ x1 shifted since 2024-03-21 00:00: mean 1 → 3"
    assert sum(" x1 " in line for line in lines) == 2
    assert any(line.startswith("✓ Checked and quiet: mae, ") and line.endswith("and 7 more") for line in lines)


def test_all_shows_every_column():
    said = shown(a_look(), everything=True)
    assert all(f" x{i} " in said for i in range(12))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_fits_eighty_columns_in_any_terminal(encoding):
    names = numbers(500) | {
        "a_column_with_a_very_long_name_that_goes_on_and_on_and_on_for_ever_and_ever": numbers(500)["x0"]
    }
    finding = a_finding(column=list(names)[-1], detail="word " * 60)
    said = shown(
        overview_of(gather(names, {n: c[:100] for n, c in names.items()}, findings=(finding,))), encoding=encoding
    )
    assert max(map(len, said.splitlines())) <= 80


def test_no_records_are_said():
    said = " ".join(shown(overview_of(gather(numbers(100), numbers(0)))).split())
    assert "? No records in this period; nothing was ever answered" in said
    assert "Not checked: mae: no outcomes in its window yet" in said


def test_markup_in_names_is_text():
    names = {"[red]x[/red]": numbers(500)["x0"]}
    finding = a_finding(column="[red]x[/red]")
    assert "[red]x[/red]" in shown(
        overview_of(gather(names, {n: c[:90] for n, c in names.items()}, findings=(finding,)))
    )


def test_sparks_rise_with_the_numbers_and_keep_gaps():
    assert spark((0.0, 1.0, None, 3.0), 10) == "▁▃ █"
    assert spark((0.0, 1.0, None, 3.0), 10, ascii_only=True) == "_- #"
    assert spark((), 10) == ""
    assert spark((None, None), 10) == ""
    assert spark((2.0, 2.0), 10) == "▁▁"
    assert len(spark(tuple(map(float, range(100))), 20)) == 20
    assert spark((-1e308, 1e308), 10) == "▁█"
