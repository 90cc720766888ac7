"""A fault of a real stream, as people hear of it."""

import dataclasses
from typing import Any

from setpoint.domain.envelope import Envelope
from setpoint.domain.value import replace
from setpoint.store.messages import MemoryNotifier

BY_HAND = Envelope(automatic=tuple(n for n in Envelope().automatic if n != "inverse_map"))


def heard(w: Any, until: int) -> list[Any]:
    """Look once a day up to a day, and tell after each look; what was told."""
    notifier = MemoryNotifier(("ops",))
    listened = dataclasses.replace(
        w, operator=dataclasses.replace(w.operator, ports=replace(w.operator.ports, notifier=notifier))
    )
    for day in range(20, until + 1):
        listened.until(day)
        listened.operator.tell()
    return [message for _, message in notifier.sent]


def test_a_fault_that_is_mended_is_told_from_its_opening_to_its_end(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    opened, held, over, *_ = heard(w, 29)
    assert opened.title == "[critical] demand: unit of temp"
    assert "Likely cause: unit of temp (weight 1.00): with temp = 0.5556" in opened.text
    assert "inverse map in place by setpoint" in opened.text
    assert "Setpoint: recovered; the inverse map stays" in held.text
    assert held.severity is None
    assert "Recovered: unit of temp" in over.text


def test_a_repair_that_waits_is_told_with_the_command_that_allows_it(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, BY_HAND)
    (message,) = [m for m in heard(w, 24) if m.title.startswith("[needs you]")]
    assert f"Next: setpoint repair approve {w.incident.id}" in message.text
