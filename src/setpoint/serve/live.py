"""Following live.json: load what it names, swap the routing table, say what was done."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from setpoint.domain.keys import Keys
from setpoint.domain.live import Live, Refusal, Served, WorkerStatus
from setpoint.domain.sensitive import guard_of, is_sensitive
from setpoint.domain.unfit import unfit
from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput, SetpointError
from setpoint.ports import BundleStore
from setpoint.serve.form import Form
from setpoint.serve.plane import DataPlane
from setpoint.serve.resident import Resident
from setpoint.serve.resident import free as free_memory
from setpoint.serve.table import Loaded, Model, Route, Table, route_of

log = logging.getLogger("setpoint.serve")
Load = Callable[[Path, ModelVersion], Model]
Stamp = tuple[int, int, int]
NEVER: Stamp = (-1, -1, -1)
Done = TypeVar("Done")


class LiveFollower:
    """Keeps one data plane in step with live.json.

    A version that cannot be loaded is refused: its model stays as it was, and the status file says why.

    Parameters
    ----------
    plane : DataPlane
    store : BundleStore
    load : callable
        Loads a bundle's folder into a model.
    file : Path
        live.json.
    status_file : Path
        `run/workers/<index>.json`.
    keys : callable
        Returns the keys that sensitive values are recorded with, if there are any.
    poll_s, beat_s : float
        Seconds between two looks at live.json, and between two beats.
    """

    def __init__(
        self,
        plane: DataPlane,
        store: BundleStore,
        load: Load,
        *,
        file: Path,
        status_file: Path,
        keys: Callable[[], Keys | None] = lambda: None,
        poll_s: float = 0.03,
        beat_s: float = 1.0,
    ) -> None:
        self._plane, self._store, self._load = plane, store, load
        self._file, self._status_file = file, status_file
        self._poll_s, self._beat_s, self._keys = poll_s, beat_s, keys
        self._seen: Stamp | None = NEVER
        self._next: Live | None = None
        self._loaded: dict[tuple[str, str], Loaded] = {}
        self._unready: set[tuple[str, str]] = set()
        self._resident = Resident()
        self.status = WorkerStatus(pid=os.getpid(), cores=cores())

    async def follow(self) -> None:
        """Look at live.json for ever, and hold ready what one may have to go back to."""
        while True:
            await asyncio.sleep(self._poll_s)
            await self.look()
            await self.stand_by()

    async def beat(self) -> None:
        """Report every second, for ever, however long a load takes.

        A worker in which a run hangs falls silent, so that its supervisor ends it and starts it anew.
        """
        while True:
            self._plane.sample()
            if self._plane.stuck:
                log.error("a run hangs: this worker is given up")
            else:
                self.report()
            await asyncio.sleep(self._beat_s)

    async def look(self) -> None:
        """Serve what live.json says, if it changed since the last look.

        What is loaded already answers at once, also while something else that was asked for before is being loaded.
        """
        self._next = self._news() or self._next
        while self._next is not None:
            live, self._next = self._next, None
            self._move(live)
            table, refused = await self._meanwhile(partial(self._table, live))
            if self._next is None:
                self._serve(live, table, refused)

    async def stand_by(self) -> None:
        """Load the versions that one would go back to; one that cannot be loaded keeps nobody from being answered."""
        for model, route in self._plane.table.routes.items():
            version, served = route.served.standby, replace(route.served, maps=())
            if version is None or (model, version) in {*self._loaded, *self._unready}:
                continue
            if not await self._meanwhile(partial(self._version, model, version, {}, served)):
                self._unready.add((model, version))
            self.report()

    def _news(self) -> Live | None:
        """Return what live.json says, if it changed since it was last read."""
        stamp = _stamp(self._file)
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            return from_json(self._file.read_bytes(), Live) if stamp else Live()
        except (OSError, msgspec.DecodeError) as e:
            note = f"{self._file} cannot be read: {e}; what was served is served"
            log.error(note)
            self._plane.table = replace(self._plane.table, notes=[note])
            return None

    async def _meanwhile(self, work: Callable[[], Done]) -> Done:
        """Work in a thread, and move to what live.json asks for meanwhile as far as it is loaded."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        while not working.done():
            await asyncio.wait({working}, timeout=self._poll_s)
            if newer := self._news():
                self._next = newer
                self._move(newer)
        return working.result()

    def _move(self, live: Live) -> None:
        """Have the models answered as asked whose champion is loaded."""
        before = self._plane.table
        moved = {
            m: route for m, served in live.models.items() if m in before.routes and (route := self._ready(m, served))
        }
        self._plane.table = replace(before, routes={**before.routes, **moved})

    def _ready(self, model: str, served: Served) -> Route | None:
        """Return the route for one model from what is loaded; None without its champion."""
        before = self._plane.table.routes[model]
        if before.served == served:
            return before
        loaded = {
            v: found for v in served.versions if (found := self._loaded.get((model, v))) and not _misfit(found, served)
        }
        if served.champion not in loaded:
            return None
        shadow = loaded.get(served.shadow) if served.shadow else None
        challengers = [loaded[v] for v in served.shares if v in loaded]
        return route_of(served, loaded[served.champion], shadow, challengers, loaded)

    def _serve(self, live: Live, table: Table, refused: dict[str, Refusal]) -> None:
        """Answer by the table from now on, and say so."""
        self._plane.table = table
        self._unready.clear()
        served = {route.champion.version for route in table.routes.values()}
        log.info("generation %d: %s", live.generation, ", ".join(sorted(served)))
        self.status = replace(
            self.status,
            generation=live.generation,
            versions={model: _as_served(route) for model, route in table.routes.items()},
            refused=refused,
            ready=True,
        )
        self.report()

    def report(self) -> None:
        """Write the status file; on a full disk its time alone still shows that the worker lives."""
        standby = {m: r.served.standby for m, r in self._plane.table.routes.items() if r.served.standby}
        held = {m: v for m, v in standby.items() if (m, v) in self._loaded}
        free, size = space(self._file.parent)
        self.status = replace(
            self.status,
            standby=held,
            told=self._plane.recalled,
            beat=time.time(),
            load=self._plane.metrics.meter.minutes,
            unwritten=self._plane.recorder.tell(),
            stopped=dict(self._plane.metrics.meter.stopped),
            free_bytes=free,
            disk_bytes=size,
            resident=self._resident.sample(time.time()),
            memory_free=free_memory(),
        )
        new = self._status_file.with_suffix(".new")
        try:
            new.write_bytes(to_json(self.status))
            new.replace(self._status_file)
        except OSError as e:
            log.warning("%s cannot be written: %s", self._status_file, e)
            if self._status_file.exists():
                os.utime(self._status_file)

    def _table(self, live: Live) -> tuple[Table, dict[str, Refusal]]:
        """Load what is new, and return the next table with what was refused. Runs in a thread."""
        before = self._plane.table.routes
        refused: dict[str, Refusal] = {}
        routes: dict[str, Route] = {}
        missing: dict[str, str] = {}
        for model, served in live.models.items():
            route = self._route(model, served, before.get(model), refused)
            if route:
                routes[model] = route
            else:
                missing[model] = refused[f"{model}/{served.champion}"].reason
        kept = {(m, v) for m, route in routes.items() for v in (*route.versions, route.served.standby)}
        self._loaded = {key: loaded for key, loaded in self._loaded.items() if key in kept}
        notes = [f"{name} was refused: {refusal.reason}" for name, refusal in refused.items()]
        return Table(live.generation, routes, missing, notes, complete=not missing), refused

    def _route(self, model: str, served: Served, before: Route | None, refused: dict[str, Refusal]) -> Route | None:
        """Return the route for one model: as asked, without a refused shadow or challenger, or as before."""
        if before and before.served == served and before.whole:
            return before
        champion = self._version(model, served.champion, refused, served)
        if champion is None:
            return before or self._last_good(model, served, refused)
        shadow = self._version(model, served.shadow, refused, served) if served.shadow else None
        challengers = [loaded for v in served.shares if (loaded := self._version(model, v, refused, served))]
        names = {f.version for f in served.fallbacks if not f.baseline}
        earlier = {v: found for v in names if (found := self._version(model, v, refused, served))}
        return route_of(served, champion, shadow, challengers, earlier)

    def _last_good(self, model: str, served: Served, refused: dict[str, Refusal]) -> Route | None:
        """Return what another worker, or this one before it was restarted, still serves of the model."""
        for known in _reported(self._status_file.parent, model):
            if known.champion != served.champion:
                champion = self._version(model, known.champion, refused, known)
                if champion:
                    return route_of(replace(known, shadow=None, shares={}, fallbacks=()), champion, None)
        return None

    def _version(self, model: str, version: str, refused: dict[str, Refusal], served: Served) -> Loaded | None:
        """Return a loaded version, or None with the reason among the refused ones."""
        try:
            loaded = self._loaded.get((model, version)) or self._read(model, version)
            if misfit := _misfit(loaded, served):
                raise InvalidInput(f"a repair does not fit {model} {version}: {misfit}")
        except Exception as e:  # loading runs frameworks that are not our code
            kind = type(e).__name__
            refused[f"{model}/{version}"] = Refusal(
                kind=kind, reason=str(e) if isinstance(e, SetpointError) else f"{kind}: {e}"
            )
            self._plane.metrics.load(model, version, "refused")
            log.error("%s %s is refused: %s", model, version, e)
            return None
        self._loaded[model, version] = loaded
        return loaded

    def _read(self, model: str, version: str) -> Loaded:
        """Read a bundle whose digests hold."""
        folder = self._store.folder(model, version)
        manifest = self._store.get(model, version)
        # without its key, what may not be recorded would be: then it is not served
        guard = guard_of(model, manifest.schema, self._keys()) if is_sensitive(manifest.schema) else None
        loaded = Loaded(manifest, self._load(folder, manifest), Form(manifest.schema), guard)
        self._plane.metrics.load(model, version, "loaded")
        return loaded


def _misfit(loaded: Loaded, served: Served) -> str:
    """Return why a version cannot be served under the repairs; empty if it can."""
    return "; ".join(why for m in served.maps if (why := unfit(m, loaded.form.schema)))


def _as_served(route: Route) -> Served:
    shadow = route.shadow.version if route.shadow else None
    fallbacks = tuple(f for f, _ in route.fallbacks)
    return replace(route.served, shadow=shadow, shares=dict(route.shares), fallbacks=fallbacks)


def space(folder: Path) -> tuple[int | None, int | None]:
    """Return how many bytes are free on the disk of a folder, and how many it has; None where nobody says."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None, None
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def cores() -> int:
    """Return on how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _reported(folder: Path, model: str) -> list[Served]:
    """Return how workers said that they serve a model, the newest generation first."""
    statuses = []
    for file in sorted(folder.glob("*.json")):
        try:
            statuses.append(from_json(file.read_bytes(), WorkerStatus))
        except (OSError, msgspec.DecodeError) as e:
            log.warning("%s cannot be read: %s", file, e)
    statuses.sort(key=lambda status: -status.generation)
    return [status.versions[model] for status in statuses if model in status.versions]
