"""A load generator: `python load.py PORT PATH CONNECTIONS SECONDS BODY_FILE [HEADER…]` prints one line of JSON.

Each connection sends the next request when its answer is whole; latencies are therefore those of a closed loop.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop


class Client(asyncio.Protocol):
    def __init__(self, request, latencies, end, done):
        self.request, self.latencies, self.end, self.done = request, latencies, end, done
        self.buffer, self.failed, self.sent = b"", 0, 0.0

    def connection_made(self, transport):
        self.transport = transport
        self.send()

    def send(self):
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if b"content-length: " not in head:
            head = head.lower()  # Triton
        at = head.index(b"content-length: ") + 16
        if len(body) < int(head[at : (head + b"\r\n").index(b"\r\n", at)]):
            return
        self.buffer = b""
        now = time.perf_counter()
        self.latencies.append(now - self.sent)
        self.failed += head[9:12] != b"200"
        if now < self.end:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error):
        self.failed += error is not None
        self.done.set_result(self.failed)


async def load(port, path, connections, seconds, body, headers):
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *headers, "", ""])
    loop, latencies, start = asyncio.get_running_loop(), [], time.perf_counter()
    ends = [loop.create_future() for _ in range(connections)]
    for done in ends:
        request = head.encode() + body
        await loop.create_connection(
            lambda d=done, r=request: Client(r, latencies, start + seconds, d), "127.0.0.1", port
        )
    failed = sum(await asyncio.gather(*ends))
    took = time.perf_counter() - start
    latencies.sort()
    quantile = lambda q: round(latencies[int(q * (len(latencies) - 1))] * 1e3, 3)  # noqa: E731
    return {
        "answered": len(latencies),
        "per_s": round(len(latencies) / took),
        "p50_ms": quantile(0.5),
        "p99_ms": quantile(0.99),
        "failed": failed,
    }


if __name__ == "__main__":
    port, path, connections, seconds, file, *headers = sys.argv[1:]
    result = load(int(port), path, int(connections), float(seconds), Path(file).read_bytes(), headers)
    print(json.dumps(uvloop.run(result)))
