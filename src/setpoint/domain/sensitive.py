"""Sensitive values: what is recorded in their place. The model sees them as they were sent."""

from collections.abc import Callable, Sequence

from setpoint.domain.keys import HASHED, Change, Keys
from setpoint.domain.record import InferenceRecord, Outcome, Scalar
from setpoint.domain.schema import Feature, Handling, Schema
from setpoint.errors import Unusable

ID, CALLER = "id", "caller"  # what is no feature has a context of its own


class Guard:
    """Replaces the sensitive values of one version's records, before anything is written.

    Parameters
    ----------
    model : str
        Part of every key, as the name of the column is: equal values of two columns have different hashes.
    schema : Schema
        Says which fields are sensitive.
    keys : Keys, optional
        Not needed where everything sensitive is dropped.

    Raises
    ------
    Unusable
        If there is no key.
    """

    def __init__(self, model: str, schema: Schema, keys: Keys | None) -> None:
        if keys is None and needs_key(schema):
            raise Unusable(
                f"{model} has sensitive fields, and there is no key to record them with: set SETPOINT_KEY, or put the "
                "file `key` back into the home"
            )
        self.schema = schema
        self._columns = {
            f.name: _change(keys, f.sensitive, model, "feature", f.name) for f in schema.features if f.sensitive
        }
        self._id = _change(keys, schema.sensitive_id, model, ID) if schema.sensitive_id else None
        self._caller = _change(keys, schema.sensitive_caller, model, CALLER) if schema.sensitive_caller else None
        self._mark = keys.hasher(model, "row") if keys else str

    def record(self, record: InferenceRecord) -> InferenceRecord:
        """Return the record as it may be written."""
        return InferenceRecord(
            self.id(record.request_id),
            record.model,
            record.version,
            record.role,
            record.arrived_us,
            record.latency_us,
            record.status,
            self.caller(record.caller),
            [self.id(i) for i in record.ids] if self._id else record.ids,
            record.times_us,
            record.layout,
            [self.column(*named) for named in zip(record.layout.inputs, record.inputs, strict=True)]
            if record.inputs
            else (),
            record.outputs,
            record.violations,
            record.maps,
        )

    def column(self, name: str, values: Sequence[Scalar]) -> Sequence[Scalar]:
        """Return the values of one feature as they may be written."""
        change = self._columns.get(name)
        return values if change is None else change(values)

    def id(self, given: str) -> str:
        """Return an id as it may be written."""
        if self._id is None:
            return given
        (found,) = self._id([given])
        return str(found)

    def caller(self, given: str) -> str:
        """Return a caller's address as it may be written; an empty one says nothing, and stays."""
        if self._caller is None or not given:
            return given
        (found,) = self._caller([given])
        return "" if found is None else str(found)

    def mark(self, digest: str) -> str:
        """Return the digest of a row's values as it may be written: nobody without the key can try values out."""
        return self._mark(digest)

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return an outcome as it may be written: it joins the predictions of its id."""
        return Outcome(self.id(outcome.id), outcome.value, outcome.known_us, outcome.stated)


def guard_of(model: str, schema: Schema, keys: Keys | None) -> Guard | None:
    """Return the guard of a version, or None where nothing is sensitive."""
    return Guard(model, schema, keys) if is_sensitive(schema) else None


def hidden(schema: Schema) -> tuple[Feature, ...]:
    """Return the features that are not recorded as they were sent."""
    return tuple(f for f in schema.features if f.sensitive is not None)


def lost(schema: Schema) -> tuple[str, ...]:
    """Return the names of the features whose values nobody can get back from the record."""
    return tuple(f.name for f in schema.features if f.sensitive in (Handling.HASH, Handling.DROP))


def sealed(schema: Schema) -> tuple[str, ...]:
    """Return the names of the features whose values the key opens."""
    return tuple(f.name for f in schema.features if f.sensitive is Handling.ENCRYPT)


def is_sensitive(schema: Schema) -> bool:
    """Whether anything of a record is replaced."""
    return bool(hidden(schema) or schema.sensitive_id or schema.sensitive_caller)


def needs_key(schema: Schema) -> bool:
    """Whether a key is needed to record."""
    ways = [*(f.sensitive for f in hidden(schema)), schema.sensitive_id, schema.sensitive_caller]
    return any(way in (Handling.HASH, Handling.ENCRYPT) for way in ways)


def opener_of(model: str, name: str, keys: Keys) -> Change:
    """Return what decrypts the recorded values of a feature."""
    return keys.opener(model, "feature", name)


def caller_opener(model: str, keys: Keys) -> Change:
    """Return what decrypts the recorded addresses of callers."""
    return keys.opener(model, CALLER)


def hasher_of(model: str, schema: Schema, name: str, keys: Keys) -> Change | None:
    """Return what hashes a value of a feature, or an id under the name `id`, as it is recorded; None if it is not."""
    if name == ID:
        change = keys.hasher(model, ID) if schema.sensitive_id else None
    else:
        hashed = {f.name for f in schema.features if f.sensitive is Handling.HASH}
        change = keys.hasher(model, "feature", name) if name in hashed else None
    return change and (lambda text: text if HASHED.fullmatch(text) else change(text))


def _change(
    keys: Keys | None, handling: Handling | None, *context: str
) -> Callable[[Sequence[Scalar]], Sequence[Scalar]]:
    """Return what replaces the values of a column; a missing value stays missing."""
    if handling is Handling.DROP:
        return lambda column: [None] * len(column)
    assert keys is not None
    one = keys.hasher(*context) if handling is Handling.HASH else keys.sealer(*context)
    return lambda column: [None if value is None else one(str(value)) for value in column]
