"""The control process: `python -m setpoint.api --port P`, started by the supervisor."""

import argparse
import sys

import uvicorn

from setpoint.api.control import control_app
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.errors import SetpointError


def main() -> None:
    """Run the loop and its API until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    settings = Settings()
    try:
        operator = open_home(settings, wait_for_trainings=settings.tick_every_s == 0)
    except SetpointError as e:
        sys.exit(f"setpoint: {e}")
    app = control_app(operator, settings.tick_every_s)
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
