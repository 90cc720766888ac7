"""What clients sent and were told: ids of rows and outcomes, in memory and in a log outside the home."""

import asyncio
import heapq
import json
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from connections import Load, post

ANSWERED, REFUSED, UNANSWERED = "answered", "refused", "no answer"
SILENT_S = 60.0
TOLD = 0.4  # share of rows whose outcome is told
LATE_S = 15.0  # on average
BATCH = 60  # outcomes of a request, at most
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)


class Entry:
    """One outcome that is told, perhaps more than once. `known` is a number of milliseconds, of its own for each."""

    __slots__ = ("confirmed", "id", "known", "sent", "value")

    def __init__(self, id_, known, value):
        self.id, self.known, self.value = id_, known, value
        self.confirmed, self.sent = False, False

    @property
    def at(self):
        return KNOWN + timedelta(milliseconds=self.known)


class Book:
    """Every id that was sent and what its client knows of it; every outcome, due or told."""

    def __init__(self, file, seed):
        self.rows = {}  # id of a row to what became of its request
        self.answers = Counter()
        self.entries = {}  # id of a row to its outcomes
        self.rng = random.Random(seed)
        self._due = []  # (when, number, entry)
        self._number = 0
        self._file = file.open("w")

    def note(self, text):
        self._file.write(f"{time.time():.3f} {text}\n")

    def close(self):
        self._file.close()

    def ended(self, kind, id_, ids, fate, status):
        """Take note of how a request for rows ended."""
        self.answers[kind, status] += 1
        self.note(f"{kind} {id_} {len(ids)} {status}")
        self.rows.update(dict.fromkeys(ids, fate))
        if fate == ANSWERED:
            for id_ in ids:
                if self.rng.random() < TOLD:
                    self._plan(id_)

    def due(self, most):
        """Return outcomes that are to be told now."""
        found, now = [], time.monotonic()
        while self._due and len(found) < most and self._due[0][0] <= now:
            found.append(heapq.heappop(self._due)[2])
        return found

    def told(self, entries, confirmed):
        """Take note of outcomes that were sent; plan repeats, and what was not confirmed, again."""
        for entry in entries:
            entry.sent, entry.confirmed = True, entry.confirmed or confirmed
            if not confirmed or self.rng.random() < 0.1:
                self._at(entry, LATE_S)

    def write(self, entries, file):
        """Write outcomes as a table that `setpoint outcomes` takes."""
        table = {"call": [e.id for e in entries], "spent": [e.value for e in entries], "known": [e.at for e in entries]}
        pq.write_table(pa.table(table), file)

    async def watch(self, loads):
        """Give up requests that are not answered in time."""
        while True:
            await asyncio.sleep(1.0)
            for client in [c for load in loads for c in load.open]:
                if client.id is not None and client.sent < time.time() - SILENT_S:
                    self.answers[client.load.name, "silent"] += 1
                    client.transport.abort()

    def _plan(self, id_):
        """Plan an outcome of a row, corrections of it, before and after, and now and then one of no row."""
        self._number += 10
        planned = [Entry(id_, self._number, float(self._number))]
        if self.rng.random() < 0.1:
            planned.append(Entry(id_, self._number + 3, self._number + 0.25))
        if self.rng.random() < 0.05:
            planned.append(Entry(id_, self._number - 3, self._number + 0.5))
        if self.rng.random() < 0.02:  # says again later what was said first
            planned.append(Entry(id_, self._number + 5, float(self._number)))
        self.entries[id_] = planned
        if self.rng.random() < 0.02:
            planned = [*planned, Entry(f"stranger-{self._number}", self._number, 1.0)]
            self.entries[planned[-1].id] = [planned[-1]]
        for entry in planned:
            self._at(entry, LATE_S)

    def _at(self, entry, late_s):
        self._number += 10
        heapq.heappush(self._due, (time.monotonic() + self.rng.expovariate(1 / late_s), self._number, entry))


class Rows(Load):
    """Asks for predictions, of one row or of up to `most`; half of the rows have an id of their own."""

    def __init__(self, name, port, connections, book, *, path, most, every_s):
        super().__init__(name, port, connections, self.took, every_s)
        self.book, self.path, self.most = book, path, most
        self.rng = random.Random(name)

    def request(self, client):
        count = self.rng.randint(1, self.most)
        rows = [
            {
                "age": self.rng.randint(18, 80),
                "balance": round(self.rng.gauss(1000, 400), 2),
                "job": self.rng.choice(("admin", "retired", "technician")),
            }
            for _ in range(count)
        ]
        client.ids = [client.id] if count == 1 else [f"{client.id}/{i}" for i in range(count)]
        if self.rng.random() < 0.5:
            client.ids = [f"{client.id}.{i}" for i in range(count)]
            for row, id_ in zip(rows, client.ids, strict=True):
                row["call"] = id_
        return post(self.path, client.id, json.dumps(self.body(rows)).encode())

    def body(self, rows):
        """Return a body of the protocol that the path says."""
        if self.path.startswith("/v1"):
            return {"instances": rows}
        types = {"age": "INT64", "balance": "FP64", "job": "BYTES", "call": "BYTES"}
        inputs = [
            {"name": name, "shape": [len(rows)], "datatype": types[name], "data": [row[name] for row in rows]}
            for name in rows[0]
        ]
        return {"inputs": inputs}

    def took(self, client, status, headers, body):
        if status == 200 and headers[b"x-request-id"].decode() != client.id:
            raise AssertionError(f"{client.id} was answered as {headers[b'x-request-id']}")
        self.book.ended(self.name, client.id, client.ids, ANSWERED if status == 200 else REFUSED, status)

    def lose(self, client):
        self.book.ended(self.name, client.id, client.ids, UNANSWERED, 0)


class Outcomes(Load):
    """Tells outcomes that are due, out of order."""

    def __init__(self, name, port, connections, book, *, path, every_s):
        super().__init__(name, port, connections, self.took, every_s)
        self.book, self.path = book, path

    def request(self, client):
        client.entries = self.book.due(self.book.rng.randint(1, BATCH))
        if not client.entries:
            return b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n"
        self.book.rng.shuffle(client.entries)
        told = [{"id": e.id, "value": e.value, "known": e.at.isoformat()} for e in client.entries]
        return post(self.path, client.id, json.dumps({"outcomes": told}).encode())

    def took(self, client, status, headers, body):
        kind = self.name if client.entries else "health"
        self.book.answers[kind, status] += 1
        self.book.note(f"{kind} {client.id} {len(client.entries)} {status}")
        self.book.told(client.entries, status == 200)

    def lose(self, client):
        self.book.answers[self.name, 0] += 1
        self.book.told(client.entries, False)
