"""The contract of single features at the door, compiled: what breaks a rule is refused, flagged, or imputed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from setpoint.domain.record import Scalar
from setpoint.domain.schema import Contract, Feature, OnViolation, Schema
from setpoint.serve.misfit import bad_value, broken_rule

MISSING = object()  # stands where a record or a table has no such field
HEADER, LONGEST = "x-setpoint-violations", 1_000
RANGE, LEVEL, IMPUTED = "range", "level", "imputed"


@dataclass(frozen=True, slots=True)
class Breach:
    """What broke the contract in a request that is answered: the codes, and the columns the model sees instead."""

    codes: tuple[str, ...]
    seen: Sequence[Sequence[Scalar]]


class Rule:
    """The contract of one feature, for values as they are sent; see `setpoint.domain.as_sent`."""

    __slots__ = ("_high", "_instead", "_levels", "_low", "action", "feature", "lenient")

    def __init__(self, feature: Feature, contract: Contract) -> None:
        self.feature, self.action = feature, contract.on_violation
        self._low, self._high = contract.low, contract.high
        self._levels, self._instead = frozenset(contract.levels), contract.instead
        # whether a request may lack the field, or hold what is no value of it
        self.lenient = self.action is OnViolation.IMPUTE or (self.action is OnViolation.FLAG and feature.nullable)

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self._levels and self.feature.sensitive:
            return "one of the values allowed"
        if self._levels:
            return "one of " + ", ".join(sorted(map(repr, self._levels))[:20])
        if self._low is None or self._high is None:
            return f"at least {self._low:.6g}" if self._high is None else f"at most {self._high:.6g}"
        return f"{self._low:.6g} to {self._high:.6g}"

    def holds_one(self, value: Any) -> bool:
        """Whether a value of the right type, or null where it may be, keeps the bounds and the levels."""
        return value is None or self._beyond(value) is None

    def holds(self, column: Sequence[Any]) -> bool:
        """Whether all of them do."""
        filled = [value for value in column if value is not None] if self.feature.nullable else column
        if self._levels and not self._levels.issuperset(filled):
            return False
        if not filled:
            return True
        return (self._low is None or min(filled) >= self._low) and (self._high is None or max(filled) <= self._high)

    def broken(self, value: Any) -> str | None:
        """Return the first rule that a value breaks, or None."""
        if value is MISSING:
            return "missing"
        rule = broken_rule(self.feature, value)
        return rule if rule or value is None else self._beyond(value)

    def apply(self, column: Sequence[Any]) -> tuple[list[Any], list[Any], list[str]]:
        """Return a column as it is recorded, as the model sees it, and the rules it breaks.

        What is no value of the feature at all counts as missing: it is recorded as null, and it is null for the model
        where the feature may be null.

        Raises
        ------
        InvalidRequest
            For the first value that is to be rejected, or that cannot be run as it is.
        """
        sent, seen = list(column), list(column)
        rules: dict[str, None] = {}
        for i, value in enumerate(column):
            rule = self.broken(value)
            if rule is None:
                continue
            within = rule in (RANGE, LEVEL)
            if self.action is OnViolation.REJECT or not (within or self.lenient):
                raise bad_value(rule, self.feature, value, i, self.expected if within else "")
            rules[rule] = None
            if not within:
                sent[i] = seen[i] = None
            if self.action is OnViolation.IMPUTE and (within or not self.feature.nullable):
                seen[i] = self._instead
                rules[IMPUTED] = None
        return sent, seen, [f"{rule}:{self.feature.name}" for rule in rules]

    def _beyond(self, value: Any) -> str | None:
        if self._levels and value not in self._levels:
            return LEVEL
        if (self._low is not None and value < self._low) or (self._high is not None and value > self._high):
            return RANGE
        return None


def told(breach: Breach | None) -> tuple[tuple[str, str], ...]:
    """Return the header that tells the caller which rules its answered request broke; cut where it grows long."""
    if breach is None:
        return ()
    text = ",".join(quote(code, safe=":") for code in breach.codes)
    return ((HEADER, text if len(text) <= LONGEST else text[:LONGEST].rpartition(",")[0] or text[:LONGEST]),)


def rules_of(schema: Schema) -> Mapping[int, Rule]:
    """Return the rules of the features that have a contract, by their place."""
    return {j: Rule(f, f.contract) for j, f in enumerate(schema.features) if f.contract}
