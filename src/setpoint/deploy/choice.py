"""Which way of running a model to keep: the fastest that is right."""

from collections.abc import Sequence

from setpoint.deploy.timing import BATCH, Timing
from setpoint.deploy.tried import NATIVE, Tried
from setpoint.domain.schema import Task
from setpoint.domain.version import Parity, Price, Variant

WORTH = 1.2  # times faster: what lower precision or a second thread must bring to be taken


def choose(
    tried: Sequence[Tried], timings: Sequence[Timing | None], task: Task, latency_us: float | None = None
) -> tuple[Variant, ...]:
    """Return what was tried, the winner marked, each with a reason to read.

    The fastest on one row wins. Lower precision must be worth it, and so must a second thread, which is taken only if
    one misses the latency that is asked for: workers share the cores.

    Parameters
    ----------
    tried : sequence of Tried
        One of them, the framework itself or a file that is ONNX already, is right by definition.
    timings : sequence of Timing
        None for those that could not be timed.
    task : Task
    latency_us : float, optional
        The latency that is asked for (µs).
    """
    timed = {t: timing for t, timing in zip(tried, timings, strict=True) if timing is not None}
    winner = _winner({t: timing for t, timing in timed.items() if t.right}, latency_us)
    return tuple(_variant(t, timed.get(t), _why(t, winner, timed, task, latency_us), t is winner) for t in tried)


def choose_untimed(tried: Sequence[Tried], task: Task) -> tuple[Variant, ...]:
    """Return what was tried, the last that is right marked: the converted model, where it is, is nearly always faster.

    Nothing is measured, so that the same model is run the same way whatever else the machine does.
    """
    winner = next(t for t in reversed(tried) if t.right)

    def why(t: Tried) -> str:
        if not t.right:
            return _why(t, winner, {}, task, None)
        return f"{'chosen' if t is winner else 'not used'}: speed was not measured{_in_words(t, task)}"

    return tuple(_variant(t, None, why(t), t is winner) for t in tried)


def _winner(right: dict[Tried, Timing], latency_us: float | None) -> Tried:
    def p50(t: Tried) -> float:
        return right[t].p50_us

    best = min((t for t in right if not _dearer(t)), key=p50)
    for t in (t for t in right if t.precision == "int8"):
        best = t if WORTH * p50(t) <= p50(best) else best
    if latency_us is not None and p50(best) > latency_us:
        for t in (t for t in right if t.threads > 1):
            best = t if WORTH * p50(t) <= p50(best) else best
    return best


def _dearer(t: Tried) -> bool:
    """Whether more must speak for it than that it is faster."""
    return t.precision == "int8" or t.threads > 1


def _why(t: Tried, winner: Tried, timed: dict[Tried, Timing], task: Task, latency_us: float | None) -> str:
    if t.failed:
        return f"not used: {t.failed}"
    if t.parity is not None and not t.parity.ok:
        return f"not used: not the same model. {_parity_words(t.parity, task)}"
    if t.price is not None and not t.price.ok:
        return f"not used: it may cost too much. {_price_words(t.price)}"
    if t is winner:
        return f"chosen: {_won(t, timed)}{_in_words(t, task)}"
    ratio = timed[t].p50_us / timed[winner].p50_us
    if ratio >= 1:
        return f"not used: {ratio:,.1f} × slower on one row{_in_words(t, task)}"
    if t.threads > 1 and latency_us is None:
        return f"not used: {1 / ratio:,.1f} × faster on one row, by a second thread; no objective asks for a latency"
    if t.threads > 1 and latency_us is not None and timed[winner].p50_us <= latency_us:
        return f"not used: {1 / ratio:,.1f} × faster on one row, by a second thread; one is fast enough"
    return f"not used: only {1 / ratio:,.1f} × faster on one row{_in_words(t, task)}"


def _won(t: Tried, timed: dict[Tried, Timing]) -> str:
    """Say against what it won: the framework, or the fastest other way where it is the framework."""
    native = next((other for other in timed if other.runtime == NATIVE), None)
    if native is None:
        return "the file is ONNX already"
    if t is native:
        others = [other for other in timed if other is not t and other.right]
        fastest = min((timed[other].p50_us for other in others), default=None)
        if fastest is None:
            return "the converted model differs" if len(timed) > 1 else "the only way to run it here"
        return f"{fastest / timed[t].p50_us:,.1f} × faster than the converted model"
    ratio = timed[native].p50_us / timed[t].p50_us
    speed = f"one row in {timed[t].p50_us:,.0f} µs against {timed[native].p50_us:,.0f} µs"
    slower = timed[native].rows_per_s / timed[t].rows_per_s
    batches = f", though {slower:,.1f} × slower in batches of {BATCH:,}" if slower > 1 else ""
    return f"{ratio:,.1f} × faster ({speed}){batches}"


def _in_words(t: Tried, task: Task) -> str:
    if t.parity is not None and t.precision != "int8" and t.threads == 1:
        return f", and right. {_parity_words(t.parity, task)}"
    return f". {_price_words(t.price)}" if t.price is not None else ""


def _variant(t: Tried, timing: Timing | None, why: str, chosen: bool) -> Variant:
    return Variant(
        runtime=t.runtime,
        precision=t.precision,
        threads=t.threads,
        p50_us=None if timing is None else round(timing.p50_us, 2),
        rows_per_s=None if timing is None else round(timing.rows_per_s),
        parity=t.parity,
        price=t.price,
        chosen=chosen,
        why=why,
    )


def _parity_words(parity: Parity, task: Task) -> str:
    failed = next((c for c in parity.checks if not c.ok), None)
    if failed is not None and failed.name != "reference":
        apart = failed.note or f"{failed.beyond:.1%} of such rows differ, by up to {failed.largest:.2g}: {failed.where}"
        return f"It differs on {failed.name}: {apart}"
    flips = f", the label changes on {parity.flips:.3%}" if task is not Task.REGRESSION else ""
    where = "" if parity.ok else f" (row {parity.worst_row})"
    return (
        f"Of {parity.rows:,} rows, {parity.beyond:.3%} differ by more than {parity.tolerance:.2g}{flips}; "
        f"largest difference {parity.largest:.2g}{where}"
    )


def _price_words(price: Price) -> str:
    flips = f", the label changes on {price.flips:.2%}" if price.flips else ""
    return f"Its loss on the reference is {price.change:+.2%} (at most {price.most:+.2%}){flips}"
