"""incident: one of them, whole."""

from pathlib import Path
from typing import Annotated, Any

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.errors import InvalidInput, Unusable
from setpoint.loop.record.markdown import incident_markdown
from setpoint.loop.record.page import incident_page
from setpoint.loop.record.story import Story
from setpoint.loop.record.words import facts, headline
from setpoint.loop.verbs.views import story_view

MOST_CAUSES = 3
FORMS = {".html": incident_page, ".md": incident_markdown}


def incident(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An incident's id.")],
    out: Annotated[
        Path | None, typer.Option(help="Write its page (.html) or its Markdown (.md), as for a post-mortem.")
    ] = None,
    json: Json = False,
) -> None:
    """Show one incident whole. Since when, what it cost, what was thought and done, by whom; `--out` writes a page."""
    if out is not None and out.suffix not in FORMS:
        raise InvalidInput(f"--out {out}: name a .html or a .md file")
    story = open_home(Settings()).story(id_)
    if out is not None:
        try:
            out.write_text(FORMS[out.suffix](story), encoding="utf-8")
        except OSError as e:
            raise Unusable(f"cannot write {out}: {e.strerror}") from e
    if json:
        print_json(story_view(story))
    elif out is not None:
        console.print(f"{plain(str(out))} is written", highlight=False)
    else:
        _show(story)


def _show(story: Story) -> None:
    i = story.incident
    console.print(f"[bold]{plain(i.id)}[/]", highlight=False)
    console.print(plain(headline(story)), highlight=False)
    console.print(table("", ("", ""), facts(story)))
    causes: list[Any] = [
        (f"{c.weight:.2f}", f"{c.cause} of {c.subject}", "; ".join(c.evidence)) for c in i.causes[:MOST_CAUSES]
    ]
    if causes:
        console.print(table("Causes", ("weight", "cause", "evidence"), causes, right=("weight",)))
    if len(i.rankings) > 1:
        looks = [
            (f"{r.at:%Y-%m-%d %H:%M}", ", ".join(f"{w.cause} of {w.subject} {w.weight:.2f}" for w in r.weights[:3]))
            for r in i.rankings
        ]
        console.print(table("Weights, look by look", ("when (UTC)", "likeliest"), looks))
    events = [(f"{e.at:%Y-%m-%d %H:%M}", str(e.what), e.by, e.said) for e in i.timeline]
    console.print(table("Timeline", ("when (UTC)", "what", "who", "said"), events))
