import asyncio
import json

import pytest

from setpoint.serve.access import AccessLog

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def log_of(tmp_path):
    """Return the lines that a number of requests leave."""

    def log_of(*headers, file=tmp_path / "access.log"):
        async def app(scope, receive, send):
            answered = [(b"x-request-id", b"r1"), (b"x-model-version", b"v2")]
            await send({"type": "http.response.start", "status": 200, "headers": answered})
            await send({"type": "http.response.body", "body": b"abc"})

        async def send(message):
            pass

        access = AccessLog(file)
        scope = {"type": "http", "method": "POST", "path": "/a", "client": ("10.0.0.1", 1)}
        for given in headers:
            asyncio.run(access.around(app)({**scope, "headers": list(given.items())}, None, send))
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
