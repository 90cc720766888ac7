"""Connections that keep a server busy over HTTP, and tell what became of each request."""

import asyncio
import json
import random
import time


class Client(asyncio.Protocol):
    """Sends the next request when its answer is whole, and connects anew after a break."""

    def __init__(self, load):
        self.load, self.buffer, self.id = load, b"", None

    def connection_made(self, transport):
        self.transport = transport
        self.load.open.add(self)
        self.ask()

    def ask(self):
        if self.load.over or self.transport.is_closing():
            self.transport.close()
            return
        self.id, self.sent = f"{self.load.name}-{self.load.asked}", time.time()
        self.load.asked += 1
        self.transport.write(self.load.request(self))

    def data_received(self, data):
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(lines[b"content-length"]):
            return
        self.buffer = b""
        self.load.take(self, int(head[9:12]), lines, body)
        self.id = None
        if self.load.over:
            self.transport.close()
        else:
            due = self.sent + self.load.every_s - time.time()
            if due > 0:
                asyncio.get_running_loop().call_later(due, self.ask)
            else:
                self.ask()

    def connection_lost(self, error):
        self.load.open.discard(self)
        if self.id is not None:
            self.load.lose(self)
        if not self.load.over:
            self.load.broken += 1
            self.load.again()


class Load:
    """Connections that keep a server busy, and what they saw; `take` is called with client, status, headers and body.

    Each asks again when it has its answer, and not before `every_s` have passed since it last asked.
    """

    def __init__(self, name, port, connections, take, every_s=0.0):
        self.name, self.port, self.every_s = name, port, every_s
        self.take, self.asked, self.broken, self.over = take, 0, 0, False
        self.connections, self.tasks, self.open = connections, set(), set()

    def request(self, client):
        """Return the bytes of the client's next request, whose id it has."""
        raise NotImplementedError

    def lose(self, client):
        """Take note of a request that got no answer."""

    async def connect(self):
        while not self.over:
            try:
                await asyncio.get_running_loop().create_connection(lambda: Client(self), "127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return

    def again(self):
        task = asyncio.get_running_loop().create_task(self.connect())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def start(self):
        for _ in range(self.connections):
            await self.connect()

    async def stop(self):
        self.over = True
        for _ in range(300):
            await asyncio.sleep(0.1)
            if not self.open:
                return
        raise TimeoutError(f"{len(self.open)} requests were not answered within 30 s")


class Same(Load):
    """Sends the same rows of 30 numbers again and again."""

    def __init__(self, name, port, path, connections, take, rows=1, every_s=0.0):
        super().__init__(name, port, connections, take, every_s)
        rng = random.Random(name)
        self.body = json.dumps({"instances": [[rng.random() for _ in range(30)] for _ in range(rows)]}).encode()
        self.sums = [sum(row) for row in json.loads(self.body)["instances"]]
        self.path = path

    def request(self, client):
        return post(self.path, client.id, self.body)


def post(path, id_, body):
    """Return a request."""
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (
        path.encode(), len(body), id_.encode(), body,
    )  # fmt: skip
