"""What commands print of names and values that callers chose."""

from rich.console import Console
from rich.text import Text

from setpoint.cli.show import number, plain, table


def printed(what):
    console = Console(width=120, color_system=None)
    with console.capture() as caught:
        console.print(what)
    return caught.get()


def test_a_cell_is_shown_as_it_is():
    hostile = ["[link](http://evil)", "[red]fine[/]", "[/]", "[/bold]", "a\\[b]"]
    shown = printed(table("", ("name",), [(h,) for h in hostile]))
    assert [line.rstrip() for line in shown.splitlines()[1:]] == hostile


def test_control_characters_do_not_reach_the_terminal():
    assert printed(plain("a\x1b[2Jb\n# c\u202e")) == "a\\x1b[2Jb\\n# c\\u202e\n"


def test_only_a_text_is_styled():
    assert "yes" in printed(table("", ("",), [(Text("yes", "red"),)]))


def test_a_huge_number_does_not_fill_the_table():
    assert (number(1.5e99), number(-2e300), number(123_456.0), number(None)) == ("1.5e+99", "-2e+300", "123,456", "–")
