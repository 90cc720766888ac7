"""What an answer costs must stay about what it was: time, and memory."""

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck

SLOWER, LEAST_US = 2.0, 200.0  # times the champion's p50, and µs beyond it: both must be passed
BIGGER, LEAST_BYTES = 2.0, 4_000_000  # likewise


def latency(case: Case) -> GateCheck:
    """Fail where the candidate takes over twice the champion's time and 200 µs more, or longer than an objective asks.

    Both times are those of one row, measured when the versions were made.
    """
    old, new = case.champion.p50_us, case.candidate.p50_us
    if old is None or new is None:
        return not_applicable("latency", "it was not measured for both")
    words = f"one row takes {new:,.0f} µs, {old:,.0f} before"
    if case.latency_us is not None and new > case.latency_us >= old:
        return failed("latency", "latency", f"{words}; {case.latency_us:,.0f} is asked for", p50_us=new, champion=old)
    if new > SLOWER * old and new > old + LEAST_US:
        return failed("latency", "latency", words, p50_us=new, champion=old)
    return passed("latency", words, p50_us=new, champion=old)


def memory(case: Case) -> GateCheck:
    """Fail where the candidate's model files are over twice as large as the champion's, and 4 MB larger."""
    old, new = case.champion.bytes, case.candidate.bytes
    if old is None or new is None:
        return not_applicable("memory", "it was not measured for both")
    words = f"its model files take {new / 1e6:,.1f} MB, {old / 1e6:,.1f} before"
    if new > BIGGER * old and new > old + LEAST_BYTES:
        return failed("memory", "memory", words, bytes=new, champion=old)
    return passed("memory", words, bytes=new, champion=old)
