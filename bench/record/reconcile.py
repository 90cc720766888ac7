"""What is in the tables, and what `setpoint records` shows, against what clients were told."""

import json
from collections import Counter, defaultdict

from book import ANSWERED, REFUSED, UNANSWERED
from deltalake import DeltaTable


def reconciled(stage, book, model):
    """Return counts; those that begin with `lost`, `doubled` or `wrong` must be 0."""
    records = stage.home / "records" / model
    table = DeltaTable(records / "predictions").to_pyarrow_table(columns=["id", "role", "status"])
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    stored = Counter(id_ for id_, role, status in rows if role == "champion" and status == 200)
    shown, outcome = shown_by(stage, model)
    fates = Counter(book.rows.values())
    answered = [id_ for id_, fate in book.rows.items() if fate == ANSWERED]
    return {
        "rows_answered": fates[ANSWERED],
        "rows_refused": fates[REFUSED],
        "rows_without_answer": fates[UNANSWERED],
        "of_those_recorded": sum(1 for id_, fate in book.rows.items() if fate == UNANSWERED and stored[id_]),
        "lost_rows": sum(not stored[id_] for id_ in answered),
        "doubled_rows": sum(n > 1 for n in stored.values()),
        "wrong_rows_of_nobody": sum(id_ not in book.rows for id_ in stored),
        "wrong_rows_refused_yet_answered": sum(stored[i] > 0 for i, f in book.rows.items() if f == REFUSED),
        "lost_in_records": sum(not shown[id_] for id_ in answered),
        "doubled_in_records": sum(n > 1 for n in shown.values()),
        **outcomes(records, book, shown, outcome),
    }


def shown_by(stage, model):
    """Return how often `setpoint records` shows an id, and the outcome that it shows."""
    shown, outcome, file = Counter(), {}, stage.work / "records.jsonl"
    with file.open("w") as out:
        stage.run("records", model, "--json-lines", out=out)
    with file.open() as lines:
        for line in lines:
            record = json.loads(line)
            if record["role"] == "champion" and record["status"] == 200:
                shown[record["id"]] += 1
                outcome[record["id"]] = record["outcome"]
    file.unlink()
    return shown, outcome


def outcomes(records, book, shown, outcome):
    """Compare the outcomes that were confirmed with those that are kept, and with those that are shown."""
    table = DeltaTable(records / "outcomes").to_pyarrow_table(columns=["id", "value", "known"])
    kept = defaultdict(list)
    for id_, value, known in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        kept[id_].append((known, value))
    confirmed = [e for entries in book.entries.values() for e in entries if e.confirmed]
    there = {id_: set(pairs) for id_, pairs in kept.items()}
    wrong = [id_ for id_, entries in book.entries.items() if shown[id_] and outcome[id_] not in right(entries)]
    return {
        "outcomes_confirmed": len(confirmed),
        "outcomes_kept": table.num_rows,
        "lost_outcomes": sum(all(e.value != value for _, value in there.get(e.id, ())) for e in confirmed),
        "outcomes_kept_as_of_later": sum(all(e.at < known for known, _ in there.get(e.id, ())) for e in confirmed),
        "doubled_outcomes": sum(len(pairs) - len(there[id_]) for id_, pairs in kept.items()),
        "wrong_outcomes_of_nobody": sum(id_ not in book.entries for id_ in kept),
        "wrong_outcomes_shown": len(wrong),
        "examples": [
            [i, outcome[i], [(e.known, e.value, e.confirmed, e.sent) for e in book.entries[i]]] for i in wrong[:3]
        ],
    }


def right(entries):
    """Return the values that may be shown: the latest that was confirmed, or a later one that was sent."""
    confirmed = [e.known for e in entries if e.confirmed]
    latest = max(confirmed, default=-1)
    found = {e.value for e in entries if e.sent and e.known >= latest}
    return found if confirmed else found | {None}
