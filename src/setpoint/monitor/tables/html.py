"""A comparison as a table for notebooks."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

HEAD = ("column", "kind", "what", "effect", "sure of", "floor", "nulls", "PSI", "KS")
STYLE = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"


def page(summary: str, columns: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    """Return the summary, one row a changed column, and the others folded away."""
    changed = [c for c in columns if c["changed"]]
    rest = [c for c in columns if not c["changed"]]
    folded = f"<details><summary>{len(rest)} columns without a change</summary>{_table(rest)}</details>" if rest else ""
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<p><b>{escape(summary)}</b></p>{_table(changed) if changed else ''}{folded}{told}"


def _table(columns: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f'<th style="{STYLE}">{name}</th>' for name in HEAD)
    rows = "".join(f"<tr>{''.join(_cell(text) for text in _row(c))}</tr>" for c in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(c: Mapping[str, Any]) -> tuple[str, ...]:
    nulls = f"{_share(c['nulls_reference'])} → {_share(c['nulls_current'])}"
    effect = _number(c["effect"]) if c["changed"] else ""
    told = (c["column"], c["kind"], c["detail"], effect, _number(c["low"]), _number(c["floor"]))
    return (*told, nulls, _number(c["psi"]), _number(c["ks"]))


def _cell(text: str) -> str:
    return f'<td style="{STYLE}">{escape(text)}</td>'


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.3g}"
