"""The control process: `python -m setpoint.api --port P`, started by the supervisor."""

import argparse
import os
import signal
import sys
import threading
import time

import uvicorn

from setpoint.api.control import control_app
from setpoint.bootstrap.control import check_address, people_of
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, supervisor_pid
from setpoint.errors import SetpointError
from setpoint.platforms.loopback import is_loopback

GRACE_S = 5.0


def main() -> None:
    """Run the loop and its API until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    settings = Settings()
    try:
        check_address(settings, arguments.host)
        operator = open_home(settings, wait_for_trainings=settings.tick_every_s == 0)
    except SetpointError as e:
        sys.exit(f"setpoint: {e}")
    threading.Thread(target=_end_with, args=(supervisor_pid(),), daemon=True).start()
    exposed = not is_loopback(arguments.host)
    app = control_app(operator, people_of(settings), settings.tick_every_s, exposed=exposed)
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning", access_log=False)


def _end_with(parent: int) -> None:
    """End when the supervisor is gone: the next one needs the port. What a look has begun is done again by the next."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
