"""What a person may ask of what is on record: to see it, to add outcomes, to have it erased."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

import pyarrow as pa

from setpoint.domain.record import Erasure, Outcome, OutcomeReceipt
from setpoint.domain.sensitive import ID, Guard, needs_key
from setpoint.domain.training_set import PROVENANCE_FILE
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput, Unusable
from setpoint.loop.changes import decided
from setpoint.loop.learning.learnt import learns_from, learnt_from
from setpoint.loop.verbs.hiding import Hashers, decrypted, hashers, hidden_condition
from setpoint.loop.verbs.operator import Operator


def records(
    operator: Operator,
    model: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    version: str | None = None,
    ids: Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    decrypt: bool = False,
) -> pa.Table:
    """Return what was recorded; `where` is a condition, of what is left `limit` keeps the last rows.

    Raw ids and values find what is recorded as a hash. `decrypt` returns what is encrypted in clear.
    """
    clear = _clear(operator, model, decrypt)
    ids, where = _asked(operator, model, ids, where)
    return clear(
        operator.ports.log.table(model, since=since, until=until, version=version, ids=ids, where=where, limit=limit)
    )


def record_parts(
    operator: Operator,
    model: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    version: str | None = None,
    ids: Sequence[str] | None = None,
    where: str | None = None,
    decrypt: bool = False,
) -> Iterator[pa.Table]:
    """Yield what `records` returns in parts of some days each, however much it is; one part at least."""
    clear = _clear(operator, model, decrypt)
    ids, where = _asked(operator, model, ids, where)
    parts = operator.ports.log.stretches(model, since=since, until=until, version=version, ids=ids, where=where)
    return map(clear, parts)


def _asked(
    operator: Operator, model: str, ids: Sequence[str] | None, where: str | None
) -> tuple[Sequence[str] | None, str | None]:
    """Ingest, and return ids and condition with the hashes beside raw values."""
    operator.ports.log.ingest()
    known = _hashers(operator, model)
    if ids is not None and ID in known:
        ids = [*ids, *map(known[ID], ids)]
    if where is not None and known:
        where = hidden_condition(where, known)
    return ids, where


def _clear(operator: Operator, model: str, decrypt: bool) -> Callable[[pa.Table], pa.Table]:
    """Return what shows records: as they are, or decrypted."""
    operator.ports.state.load(model)
    if not decrypt:
        return lambda table: table
    keys = operator.ports.keys.keys()
    if keys is None:
        raise Unusable("there is no key to decrypt with: set SETPOINT_KEY, or put the file `key` into the home")
    return lambda table: decrypted(table, model, lambda v: operator.ports.bundles.get(model, v).schema, keys)


def erase(operator: Operator, model: str, *, ids: Sequence[str] = (), where: str | None = None, by: str) -> Erasure:
    """Delete all that is recorded of some ids, and of the ids of the rows of a condition; return the receipt.

    Raises
    ------
    InvalidInput
        If neither is given, or the condition is none.
    """
    if not ids and not where:
        raise InvalidInput("nothing says what to erase: give ids, or a condition")
    asked, where = _asked(operator, model, ids, where)
    with operator.ports.state.lease():
        deployment, now = operator.ports.state.load(model), operator.clock.now()
        receipt = operator.ports.log.erase(
            model,
            ids=asked or (),
            where=where,
            by=by,
            now=now,
            learnt=learnt_days(operator.ports.bundles.versions(model)),
            learnt_from=lambda found: learnt_from(operator.ports, model, found),
            learning=lambda found: learns_from(operator.ports, deployment.training, found),
        )
        why = f"{receipt.rows:,} rows and {receipt.outcomes:,} outcomes; receipt {receipt.id}"
        operator.ports.state.save(decided(deployment, now, "", model, "erase", why, by))
    return receipt


def erasures(operator: Operator, model: str) -> list[Erasure]:
    """Return the receipts of what was erased."""
    return operator.ports.log.erasures(model)


def lingering(operator: Operator, receipt: Erasure) -> list[str]:
    """Ingest, and return the segments of the spool that still hold bytes of what was erased."""
    operator.ports.log.ingest()
    return operator.ports.log.lingering(receipt)


def _hashers(operator: Operator, model: str) -> Hashers:
    schema = operator.schema(model)
    keys = operator.ports.keys.keys() if needs_key(schema) else None
    return hashers(model, schema, keys) if keys else {}


def outcomes(operator: Operator, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
    """Record what turned out to be true."""
    operator.ports.state.load(model)
    operator.ports.log.ingest()
    schema = operator.schema(model)
    if not schema.sensitive_id:
        return operator.ports.log.add_outcomes(model, outcomes)
    guard = Guard(model, schema, operator.ports.keys.keys())
    raw = {guard.id(o.id): o.id for o in outcomes}
    receipt = operator.ports.log.add_outcomes(model, [guard.outcome(o) for o in outcomes])
    return replace(receipt, unknown_examples=tuple(raw.get(i, i) for i in receipt.unknown_examples))


def learnt_days(versions: Sequence[ModelVersion]) -> dict[str, date]:
    """Return the last day of what versions were trained on here that do not know their records by id."""
    unknown = [v for v in versions if PROVENANCE_FILE not in v.files]
    return {v.version: v.lineage.trained_until.date() for v in unknown if v.lineage.trained_until}
