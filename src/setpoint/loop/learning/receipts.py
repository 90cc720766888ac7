"""Receipts: what an update brought, and what something else would have brought, on the rows that came after it."""

import numpy as np

from setpoint.deploy.verdict import LEVEL, short
from setpoint.domain.fleet import Deployment
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.records import Column, Records
from setpoint.domain.rollout import Phase, Rollout
from setpoint.errors import SetpointError
from setpoint.loop.looks.clear import in_clear
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.rescore import rescored_losses
from setpoint.loop.ports import Ports
from setpoint.stats.paired import mean_interval

UNMEASURED = Gain(mean=0.0, low=0.0, high=0.0)


def receipt_of(ports: Ports, deployment: Deployment, look: Look, rollout: Rollout) -> tuple[Receipt, str]:
    """Return the account of an update that has ended, and the same in words.

    The candidate and the champion that it met answer what was asked since, whichever of the two did so live.
    """
    candidate = rollout.candidate
    unmeasured = Receipt(at=look.now, realised=UNMEASURED, expected=candidate.expected, seconds=candidate.seconds)
    rows = look.history.between(rollout.ended, None).labelled
    if look.unreadable or not len(rows):
        return unmeasured, f"not measured: {look.unreadable or 'no record can be read'}"
    rows = in_clear(ports, deployment.model, rows)
    try:
        stayed = _losses(ports, deployment, look, candidate.champion, rows)
        moved = _losses(ports, deployment, look, candidate.version, rows)
    except SetpointError as e:  # its files were removed, or are damaged
        return unmeasured, f"not measured: {e}"
    both = ~np.isnan(stayed) & ~np.isnan(moved)
    if not both.any():
        return unmeasured, f"not measured: {candidate.version} answers none of {len(rows)} rows"
    receipt = _account(unmeasured, stayed[both], moved[both], promoted=rollout.phase is Phase.PROMOTED)
    return receipt, _in_words(receipt, rollout)


def _losses(ports: Ports, deployment: Deployment, look: Look, version: str, rows: Records) -> Column:
    return rescored_losses(ports, deployment, look.champion.schema, version, rows)


def _account(blank: Receipt, stayed: Column, moved: Column, *, promoted: bool) -> Receipt:
    won = mean_interval(stayed - moved, level=LEVEL)
    most, least = float(stayed.max()), -float(moved.max())  # no loss is below zero
    realised = Gain(mean=won.mean, low=max(won.low, least), high=min(won.high, most), rows=won.rows)
    chosen, other = (moved, stayed) if promoted else (stayed, moved)
    name = "stay" if promoted else "promote"
    return Receipt(
        at=blank.at,
        realised=realised,
        expected=blank.expected,
        seconds=blank.seconds,
        loss=float(chosen.mean()),
        alternatives={name: float(other.mean())},
    )


def _in_words(receipt: Receipt, rollout: Rollout) -> str:
    gain, promoted = receipt.realised, rollout.phase is Phase.PROMOTED
    won, since = gain.mean >= 0, "promotion" if promoted else "it was rejected"
    verb = ("gained" if won else "lost") if promoted else f"would have {'gained' if won else 'lost'}"
    size, low, high = (gain.mean, gain.low, gain.high) if won else (-gain.mean, -gain.high, -gain.low)
    words = f"{verb} {short(size)} ({short(low)} to {short(high)}) a row over {gain.rows} rows since {since}"
    if receipt.expected is not None:
        words += f"; {short(receipt.expected.mean)} was expected"
    if rollout.candidate.gate is not None:
        words += f"; the gate had measured {short(rollout.candidate.gate.gain)}"
    return words
