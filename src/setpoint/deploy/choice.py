"""Which way of running a model to keep: the faster that is right."""

from collections.abc import Mapping

from setpoint.deploy.timing import BATCH, Timing
from setpoint.domain.schema import Task
from setpoint.domain.version import Parity, Variant


def choose(timings: Mapping[str, Timing], parity: Parity | str, task: Task) -> tuple[Variant, ...]:
    """Return what was tried, the winner marked, each with a reason to read.

    Parameters
    ----------
    timings : mapping of str to Timing
        `native`, and `onnxruntime` if it could be timed; of an ONNX file that alone.
    parity : Parity or str
        Converted against native, or in words why there is nothing to compare.
    task : Task
    """
    if "native" not in timings:
        return (_variant("onnxruntime", timings["onnxruntime"], chosen=True, why="chosen: the file is ONNX already"),)
    native = timings["native"]
    if isinstance(parity, str):
        return (
            _variant("native", native, chosen=True, why="chosen: the only way to run it here", precision="as trained"),
            Variant(runtime="onnxruntime", why=f"not used: conversion failed. {parity}"),
        )
    onnx = timings["onnxruntime"]
    ratio = native.p50_us / onnx.p50_us
    wins = parity.ok and ratio >= 1
    said = _parity_words(parity, task)
    speed = f"one row in {onnx.p50_us:,.0f} µs against {native.p50_us:,.0f} µs"
    if not parity.ok:
        why_native, why_onnx = "chosen: the converted model differs", f"not used: not the same model. {said}"
    elif wins:
        why_native = f"not used: {ratio:,.1f} × slower on one row"
        why_onnx = f"chosen: {ratio:,.1f} × faster ({speed}){_in_batches(onnx, native)}, and right. {said}"
    else:
        why_native = f"chosen: {1 / ratio:,.1f} × faster than the converted model"
        why_onnx = f"not used: right, and slower ({speed})"
    return (
        _variant("native", native, chosen=not wins, why=why_native, precision="as trained"),
        _variant("onnxruntime", onnx, chosen=wins, why=why_onnx, parity=parity),
    )


def _variant(
    runtime: str, timing: Timing, *, chosen: bool, why: str, precision: str = "fp32", parity: Parity | None = None
) -> Variant:
    return Variant(
        runtime=runtime,
        precision=precision,
        p50_us=round(timing.p50_us, 2),
        rows_per_s=round(timing.rows_per_s),
        parity=parity,
        chosen=chosen,
        why=why,
    )


def _in_batches(onnx: Timing, native: Timing) -> str:
    ratio = native.rows_per_s / onnx.rows_per_s
    return f", though {ratio:,.1f} × slower in batches of {BATCH:,}" if ratio > 1 else ""


def _parity_words(parity: Parity, task: Task) -> str:
    flips = f", the label changes on {parity.flips:.3%}" if task is not Task.REGRESSION else ""
    where = "" if parity.ok else f" (row {parity.worst_row})"
    return (
        f"Of {parity.rows:,} rows, {parity.beyond:.3%} differ by more than {parity.tolerance:.2g}{flips}; "
        f"largest difference {parity.largest:.2g}{where}"
    )
