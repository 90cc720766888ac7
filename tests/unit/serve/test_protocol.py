"""HTTP/1.1 on real sockets, with a small application behind it."""

import asyncio
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.serve.http import Reply
from setpoint.serve.protocol import IDLE_S, LINGER_S, MAX_HEADERS, PIPELINED, READ_S, HttpProtocol

BOUND = 1_000


class Echo:
    """Answers with the method, the path and the body; `/slow` waits until it is let go."""

    def __init__(self):
        self.asked, self._waiting, self._open, self.parts = [], [], False, False

    def __call__(self, request, send):
        self.asked.append(request)
        if request.path == "/fails":
            raise ValueError
        size = max(len(request.body), int(request.headers.get(b"content-length", 0)))
        answer = f"{request.method} {request.path} {len(request.body)}".encode()
        reply = Reply(answer, 413 if size > BOUND else 200, parts=self.parts)
        if request.path == "/slow" and not self._open:
            self._waiting.append(partial(send, reply))
        else:
            send(reply)

    def go(self):
        self._open = True
        while self._waiting:
            self._waiting.pop()()


class Client:
    def __init__(self, reader, writer, app, connections):
        self.reader, self.writer, self.app, self.connections = reader, writer, app, connections

    def send(self, data):
        self.writer.write(data)

    async def answer(self, *, head=False):
        """Return status line, headers and body of the next answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        size = 0 if head else int(headers.get("content-length", 0))
        return lines[0], headers, (await self.reader.readexactly(size)).decode()

    async def rest(self):
        return await self.reader.read()

    @property
    def connection(self):
        return next(iter(self.connections))


def talk(script, *, limit=10):
    """Run a script that is given a connected client."""

    async def run():
        app, connections = Echo(), set()
        make = partial(HttpProtocol, app, connections, max_body_bytes=BOUND, limit=limit)
        async with await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                async with asyncio.timeout(5):
                    await script(Client(reader, writer, app, connections))
            finally:
                app.go()
                writer.close()
                for connection in tuple(connections):
                    connection.overdue(float("inf"))

    asyncio.run(run())


def post(path, body=b"", extra=b""):
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b" % (path, extra, len(body), body)


def test_requests_of_one_connection_are_answered_in_turn():
    async def script(client):
        client.send(post(b"/a?x=1", b"12") + post(b"/%62") + b"GET http://host/c HTTP/1.1\r\nhost: x\r\n\r\n")
        assert [(await client.answer())[2] for _ in range(3)] == ["POST /a 2", "POST /b 0", "GET /c 0"]

    talk(script)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_how_the_bytes_are_cut(bodies, data):
    stream = b"".join(post(b"/a", body) for body in bodies)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=8)))

    async def script(client):
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            client.send(stream[start:stop])
            await asyncio.sleep(0)
        assert [(await client.answer())[2] for _ in bodies] == [f"POST /a {len(body)}" for body in bodies]

    talk(script)


def test_a_chunked_body_is_handed_over_whole():
    async def script(client):
        client.send(
            b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert (await client.answer())[2] == "POST /a 5"

    talk(script)


def test_the_answer_to_head_has_no_body():
    async def script(client):
        client.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n" + post(b"/b"))
        assert (await client.answer(head=True))[1]["content-length"] == "9"
        assert (await client.answer())[2] == "POST /b 0"

    talk(script)


def test_connection_close_and_http_1_0_end_the_connection():
    old = b"GET /a HTTP/1.0\r\n"
    for request in (
        post(b"/a", extra=b"connection: close\r\n"),
        old + b"\r\n",
        old + b"connection: keep-alive\r\n\r\n",
    ):

        async def script(client, request=request):
            client.send(request)
            assert (await client.answer())[1]["connection"] == "close"
            assert await client.rest() == b""

        talk(script)


def test_a_client_that_waits_for_100_continue_gets_it():
    async def script(client):
        client.send(b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"ab")
        assert (await client.answer())[2] == "POST /a 2"

    talk(script)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_refused_before_it_is_read(chunked):
    async def script(client):
        how = b"transfer-encoding: chunked" if chunked else b"content-length: 5000"
        body = b"1388\r\n" + b"x" * 5_000 if chunked else b"x"
        client.send(b"POST /a HTTP/1.1\r\nhost: x\r\n" + how + b"\r\n\r\n" + body)
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == ("HTTP/1.1 413 Request Entity Too Large", "close")
        client.connection.overdue(client.connection._since + LINGER_S + 1)
        assert await client.rest() == b""

    talk(script)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 501),
    ],
)
def test_a_bad_head_is_refused_with_the_reason(head, status):
    async def script(client):
        client.send(head)
        line, headers, body = await client.answer()
        assert line.split()[1] == str(status)
        assert "error" in body
        assert headers["connection"] == "close"
        assert not client.app.asked

    talk(script)


def test_a_head_that_does_not_end_is_refused():
    async def script(client):
        client.send(b"GET /a HTTP/1.1\r\n")
        for _ in range(200):
            client.send(b"a: " + b"b" * 1_000 + b"\r\n")
            await asyncio.sleep(0)
        assert (await client.answer())[0].split()[1] == "431"

    talk(script)


def test_trailers_that_do_not_end_are_refused():
    async def script(client):
        client.send(b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nb: ")
        for _ in range(200):
            client.send(b"c" * 1_000)
            await asyncio.sleep(0)
        assert (await client.answer())[0].split()[1] == "431"

    talk(script)


@pytest.mark.parametrize("cut", [1, 100_000])
def test_many_requests_in_one_packet_are_no_large_head(cut):
    stream = post(b"/a", b"x" * 900) * 100

    async def script(client):
        for start in range(0, len(stream), cut) if cut > 1 else (0,):
            client.send(stream[start : start + cut] if cut > 1 else stream)
        assert [(await client.answer())[2] for _ in range(100)] == ["POST /a 900"] * 100

    talk(script)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_for_another_protocol_is_answered_in_this_one(chunked):
    """As the HTTP client of Java asks."""
    sized = b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" if chunked else b"content-length: 3\r\n\r\nabc"
    asks = (
        b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: A\r\n"
    )

    async def script(client):
        client.send((asks + sized) * 1_100 + post(b"/b"))
        answers = [(await client.answer())[2] for _ in range(1_101)]
        assert answers == ["POST /a 3"] * 1_100 + ["POST /b 0"]

    talk(script)


def test_trailers_are_not_kept():
    async def script(client):
        client.send(b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nb: c\r\n\r\n")
        await client.answer()
        assert b"b" not in client.app.asked[0].headers

    talk(script)


def test_what_came_before_a_bad_request_is_answered():
    async def script(client):
        client.send(post(b"/slow") + b"nonsense\r\n\r\n")
        await asyncio.sleep(0.05)
        client.app.go()
        assert (await client.answer())[2] == "POST /slow 0"
        assert await client.rest() == b""

    talk(script)


def test_an_application_that_fails_costs_its_connection_only():
    async def script(client):
        client.send(post(b"/fails"))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await client.answer()
        assert not client.connections

    talk(script)


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = []

    def write(self, data):
        self.written.append(data)

    def is_closing(self):
        return False


def test_an_answer_at_once_goes_out_one_pass_later():
    """Else clients who ask again at once would keep the loop reading, and everything else would wait."""

    async def run():
        wire = Wire()
        connection = HttpProtocol(Echo(), set(), max_body_bytes=BOUND)
        connection.connection_made(wire)
        connection.data_received(post(b"/a"))
        assert wire.written == []
        await asyncio.sleep(0)
        assert len(wire.written) == 1

    asyncio.run(run())


def test_requests_that_wait_are_bounded():
    async def script(client):
        client.send(post(b"/slow") + post(b"/a") * (PIPELINED + 5))
        await asyncio.sleep(0.05)
        assert not client.connection._transport.is_reading()
        client.app.go()
        for _ in range(PIPELINED + 6):
            await client.answer()
        client.send(post(b"/b"))
        assert (await client.answer())[2] == "POST /b 0"

    talk(script)


def test_shutdown_answers_what_was_begun():
    async def script(client):
        client.send(post(b"/slow") + post(b"/a", b"abc")[:-1])
        await asyncio.sleep(0.05)
        client.connection.shutdown()
        client.app.go()
        assert (await client.answer())[2] == "POST /slow 0"
        client.send(b"c")
        _, headers, body = await client.answer()
        assert (headers["connection"], body) == ("close", "POST /a 3")
        assert await client.rest() == b""

    talk(script)


def test_shutdown_does_not_wait_for_a_client_that_always_asks_again():
    async def script(client):
        client.send(post(b"/slow") + post(b"/a"))
        await asyncio.sleep(0.05)
        client.connection.shutdown()
        client.send(post(b"/b") + post(b"/c"))
        await asyncio.sleep(0.05)
        client.app.go()
        answers = [await client.answer() for _ in range(3)]
        assert [body for _, _, body in answers] == ["POST /slow 0", "POST /a 0", "POST /b 0"]
        assert answers[-1][1]["connection"] == "close"
        client.connection.overdue(client.connection._since + LINGER_S + 1)
        assert await client.rest() == b""

    talk(script)


def test_a_refusal_after_head_has_its_body():
    async def script(client):
        client.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n")
        await client.answer(head=True)
        client.send(b"nonsense\r\n\r\n")
        assert "this is not HTTP/1.1" in (await client.answer())[2]

    talk(script)


def test_a_client_that_is_slow_to_send_is_told_and_cut_off():
    async def script(client):
        client.send(post(b"/a", b"abc")[:-1])
        await asyncio.sleep(0.05)
        client.connection.overdue(client.connection._since + READ_S - 1)
        client.connection.overdue(client.connection._since + READ_S + 1)
        assert (await client.answer())[0] == "HTTP/1.1 408 Request Timeout"

    talk(script)


def test_a_client_that_does_not_take_its_answers_is_cut_off():
    async def script(client):
        client.send(post(b"/a"))
        await client.answer()
        client.connection.pause_writing()
        client.connection.overdue(client.connection._blocked + READ_S + 1)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await client.answer()

    talk(script)


def test_an_idle_connection_is_closed():
    async def script(client):
        client.send(post(b"/a"))
        await client.answer()
        client.connection.overdue(client.connection._since + IDLE_S + 1)
        assert await client.rest() == b""

    talk(script)


def test_a_connection_beyond_the_limit_is_refused():
    async def script(client):
        assert (await client.answer())[0] == "HTTP/1.1 503 Service Unavailable"

    talk(script, limit=0.5)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_get_an_answer_or_a_wait_and_never_an_exception(noise):
    async def script(client):
        client.send(noise)
        client.writer.write_eof()
        answer = await client.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")

    talk(script)


def test_an_answer_may_send_its_client_to_another_connection_but_not_before_what_it_asked_already():
    async def script(client):
        client.app.parts = True
        client.send(post(b"/a") + post(b"/b"))
        assert [(await client.answer())[1].get("connection") for _ in range(2)] == [None, "close"]

    talk(script)
