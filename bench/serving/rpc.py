"""The gRPC door with recording, checks and metrics on, against a bare grpc.aio server that answers as many bytes.

`python bench/serving/rpc.py` prints a table. One worker each, asked in turn; the load generator has the other core.
Model and rows are those of run.py, as `raw_input_contents`.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import grpc
import numpy as np
from run import CONNECTIONS, HERE, START_S, Server, free_port, measured, prepare
from sklearn.datasets import load_breast_cancer

from setpoint.platforms.supervisor import listen
from setpoint.serve.grpc.open_inference_pb2 import ModelInferRequest

METHOD = "/inference.GRPCInferenceService/ModelInfer"


def message(rows):
    """Return a request of these rows."""
    raw = np.array(rows, dtype=np.float64).tobytes()
    tensor = {"name": "x", "datatype": "FP64", "shape": [len(rows), len(rows[0])]}
    request = ModelInferRequest(model_name="cancer", inputs=[tensor], raw_input_contents=[raw])
    return request.SerializeToString()


def first_answer(port, body):
    """Wait for an answer; return its bytes."""
    end = time.monotonic() + START_S
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer = channel.unary_unary(METHOD)
        while True:
            try:
                return infer(body)
            except grpc.RpcError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def start(servers, home, body):
    """Start both servers."""
    port, sock = free_port(), listen("127.0.0.1", 0)
    argv = [
        "-m",
        "setpoint.bootstrap.worker",
        "--fd",
        str(sock.fileno()),
        "--index",
        "0",
        "--grpc",
        f"127.0.0.1:{port}",
    ]
    metrics = str(home / "run" / "metrics")
    ours = {"OMP_NUM_THREADS": "1", "SETPOINT_HOME": str(home), "PROMETHEUS_MULTIPROC_DIR": metrics}
    process = subprocess.Popen([sys.executable, *argv], env={**os.environ, **ours}, pass_fds=[sock.fileno()])
    servers["setpoint"] = Server([process], port, METHOD, body)
    answer = home / "answer"
    answer.write_bytes(first_answer(port, body))
    port = free_port()
    process = subprocess.Popen([sys.executable, HERE / "rpc_echo.py", str(port), answer])
    servers["grpc.aio"] = Server([process], port, METHOD, body)
    first_answer(port, body)


def main():
    """Measure both servers, and print medians with their range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1, help="rows of a request")
    asked = parser.parse_args()
    print(f"grpcio {version('grpcio')}, {asked.rows} row(s) a request")
    servers = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        prepare(home)
        try:
            start(servers, home, message(load_breast_cancer().data[: asked.rows].tolist()))
            for turn in range(asked.rounds):
                for calls in CONNECTIONS:
                    for server in list(servers.values())[:: -1 if turn % 2 else 1]:
                        server.runs[calls].append(measured(server, "rpc_load.py", calls, asked.seconds, home))
        finally:
            for server in servers.values():
                server.processes[0].send_signal(signal.SIGTERM)
                server.processes[0].wait(30)
    print(f"{'server':12}{'calls':>6}{'calls/s (range)':>24}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>8}{'failed':>8}")
    for calls in CONNECTIONS:
        for name, server in servers.items():
            runs = server.runs[calls]
            rate, p50, p99, cpu = (
                statistics.median(r[k] for r in runs) for k in ("per_s", "p50_ms", "p99_ms", "cpu_us")
            )
            spread = f"{rate:,.0f} ({min(r['per_s'] for r in runs):,}-{max(r['per_s'] for r in runs):,})"
            failed = sum(r["failed"] for r in runs)
            print(f"{name:12}{calls:>6}{spread:>24}{p50:>9.2f}{p99:>9.2f}{cpu:>8.0f}{failed:>8}")


if __name__ == "__main__":
    main()
