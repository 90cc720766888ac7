import json

import pytest

from setpoint.serve.access import AccessLog
from setpoint.serve.http import Reply, Request

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def log_of(tmp_path):
    """Return the lines that a number of requests leave."""

    def log_of(*headers, file=tmp_path / "access.log"):
        def app(request, send):
            send(Reply(b"abc", version="v2", request_id="r1"))

        access = AccessLog(file)
        for given in headers:
            access.around(app)(Request("POST", "/a", given, b"", "10.0.0.1"), lambda reply: None)
        access.flush()
        return [json.loads(line) for line in file.read_text().splitlines()]

    return log_of


def test_a_line_says_who_asked_what_and_what_was_answered(log_of):
    (line,) = log_of({b"content-length": b"12"})
    assert line.pop("ms") >= 0
    assert line.pop("at").endswith("Z")
    assert line == {
        "request_id": "r1", "caller": "10.0.0.1", "method": "POST", "path": "/a", "status": 200, "version": "v2",
        "bytes_in": 12, "bytes_out": 3,
    }  # fmt: skip


def test_a_trace_is_noted_and_a_broken_one_is_not(log_of):
    good = f"00-{TRACE}-{PARENT}-01".encode()
    bad = [b"", good[:-1], b"ff" + good[2:], good.replace(TRACE.encode(), b"0" * 32), good.upper()]
    first, *others = log_of({b"traceparent": good}, *({b"traceparent": b} for b in bad))
    assert (first["trace_id"], first["parent_id"]) == (TRACE, PARENT)
    assert all("trace_id" not in line for line in others)


def test_lines_are_appended(log_of):
    log_of({}, {})
    assert len(log_of({})) == 3


def test_a_disk_that_refuses_costs_lines_and_not_answers(log_of, tmp_path, caplog):
    with pytest.raises(FileNotFoundError):
        log_of({}, file=tmp_path / "none" / "access.log")
    assert "of access log are lost" in caplog.text
