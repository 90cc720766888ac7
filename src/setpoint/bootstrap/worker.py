"""One worker of the data plane: `python -m setpoint.bootstrap.worker --fd N --index I`, started by the supervisor."""

import argparse
import gc
import logging
import os
import sys
from functools import partial
from pathlib import Path

from setpoint.config import Settings
from setpoint.platforms.files import make_home
from setpoint.runtime import load
from setpoint.serve.access import AccessLog
from setpoint.serve.flights import Flights
from setpoint.serve.live import LiveFollower
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.quiet import QuietFormatter
from setpoint.serve.server import run_server
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.signing import Signing
from setpoint.store.spool import Spool


def main() -> None:
    """Serve the models of the home on an inherited listening socket."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="a listening socket")
    parser.add_argument("--index", type=int, required=True, help="number of this worker")
    parser.add_argument("--flights", type=Path, help="a folder in memory that outlives this worker")
    parser.add_argument("--grpc", metavar="ADDRESS", help="host and port to serve gRPC on as well")
    arguments = parser.parse_args()
    index: int = arguments.index
    logging.basicConfig(level=logging.WARNING)
    serve(Settings(), arguments.fd, index, arguments.grpc, arguments.flights)


def serve(
    settings: Settings, fd: int, index: int, grpc_address: str | None = None, flights: Path | None = None
) -> None:
    """Compose the parts of a worker and run it until it is told to stop."""
    home = settings.home
    status_file = home / "run" / "workers" / f"{index}.json"
    make_home(home)
    status_file.parent.mkdir(parents=True, exist_ok=True)
    spool = Spool(
        home / "spool",
        f"worker-{index}-{os.getpid()}",
        fsync=settings.fsync,
        segment_bytes=settings.segment_bytes,
        segment_s=settings.segment_s,
    )
    plane = DataPlane(spool, Metrics(), flights=Flights(flights / str(index) if flights else None))
    formatter = QuietFormatter(
        f"%(asctime)s worker {index} %(levelname)s %(message)s", hides=lambda: plane.table.guarded
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
    keys = HomeKeys(home, settings.key.get_secret_value() if settings.key else None)
    follower = LiveFollower(
        plane,
        FolderBundleStore(home / "bundles", Signing(home, settings.signatures, settings.trusted_keys)),
        partial(load, memory_bytes=settings.job_memory),
        file=home / "live.json",
        status_file=status_file,
        keys=keys.keys,
    )
    sys.setswitchinterval(0.0005)  # a shadow in its thread gives way to answers sooner than after 5 ms
    gc.freeze()  # what is there now stays: the collector need not look at it again
    gc.set_threshold(50_000, 20, 50)
    try:
        access = AccessLog(settings.access_log) if settings.access_log else None
        run_server(
            plane, follower, fd, max_body_bytes=settings.max_body_bytes, access=access, grpc_address=grpc_address
        )
    finally:
        spool.close()


if __name__ == "__main__":
    main()
