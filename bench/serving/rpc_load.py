"""A load generator for gRPC: `python rpc_load.py PORT METHOD CALLS SECONDS MESSAGE_FILE` prints one line of JSON.

One connection, so many calls at once, each followed by the next when its answer is whole. It speaks just enough HTTP/2
(RFC 9113) to cost less than a server: a client of grpc costs as much, and its own speed would be measured.
"""

import asyncio
import json
import struct
import sys
import time
from pathlib import Path

import uvloop

DATA, HEADERS, RESET, SETTINGS, PING = 0, 1, 3, 4, 6
END, ACK, WHOLE = 0x1, 0x1, 0x4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def text(value):
    return bytes((len(value),)) + value.encode()


def opening():
    """Return what a connection begins with: windows so large that the client never has to open them again."""
    window = struct.pack(">HI", 4, 2**31 - 1)
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, window) + frame(8, 0, 0, struct.pack(">I", 2**30))
    )


class Client(asyncio.Protocol):
    """Counts an answer as failed if it has no message."""

    def __init__(self, method, message, calls, end):
        # literals, never indexed: the same bytes for every call (RFC 7541, 6.2.2)
        names = b"\x83\x86\x04" + text(method) + b"\x01" + text("127.0.0.1") + b"\x0f\x10" + text("application/grpc")
        self.head = names + b"\x00" + text("te") + text("trailers")
        self.body = struct.pack(">BI", 0, len(message)) + message
        self.calls, self.end = calls, end
        self.done = asyncio.get_running_loop().create_future()
        self.buffer, self.stream, self.failed, self.latencies = b"", -1, 0, []
        self.sent, self.answered = {}, set()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(opening())
        for _ in range(self.calls):
            self.call()

    def call(self):
        self.stream += 2
        self.sent[self.stream] = time.perf_counter()
        head, body = frame(HEADERS, WHOLE, self.stream, self.head), frame(DATA, END, self.stream, self.body)
        self.transport.write(head + body)

    def data_received(self, data):
        buffer, at = self.buffer + data, 0
        while len(buffer) >= at + 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) < at + 9 + length:
                break
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self.take(buffer[at + 3], buffer[at + 4], stream, buffer[at + 9 : at + 9 + length])
            at += 9 + length
        self.buffer = buffer[at:]

    def take(self, kind, flags, stream, payload):
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.transport.write(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == DATA:
            self.answered.add(stream)
        elif kind == RESET or (kind == HEADERS and flags & END):
            self.ended(stream)

    def ended(self, stream):
        now = time.perf_counter()
        self.latencies.append(now - self.sent.pop(stream))
        self.failed += stream not in self.answered
        self.answered.discard(stream)
        if now < self.end:
            self.call()
        elif not self.sent:
            self.transport.close()

    def connection_lost(self, error):
        self.failed += len(self.sent)
        self.done.set_result(None)


async def load(port, method, calls, seconds, message):
    start = time.perf_counter()
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(method, message, calls, start + seconds), "127.0.0.1", port)
    await client.done
    took = time.perf_counter() - start
    latencies = sorted(client.latencies)
    quantile = lambda q: round(latencies[int(q * (len(latencies) - 1))] * 1e3, 3)  # noqa: E731
    return {
        "answered": len(latencies),
        "per_s": round(len(latencies) / took),
        "p50_ms": quantile(0.5),
        "p99_ms": quantile(0.99),
        "failed": client.failed,
    }


if __name__ == "__main__":
    port, method, calls, seconds, file = sys.argv[1:]
    print(json.dumps(uvloop.run(load(int(port), method, int(calls), float(seconds), Path(file).read_bytes()))))
