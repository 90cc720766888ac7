"""The command line: a command parses, calls one verb, prints one value."""

import sys

from setpoint.errors import SetpointError

__all__ = ["main"]


def main() -> None:
    """Run the command line; an error of ours, or of the system, is one message and exit code 1, not a traceback."""
    try:
        if sys.argv[1:2] == ["rollback"]:
            from setpoint.cli.hurry import hurry  # before the rest is imported

            if version := hurry(sys.argv[2:]):
                sys.argv += ["--ordered", version]  # or it would be ordered twice, and the second time back again
        from setpoint.cli.app import app

        app(prog_name="setpoint")
    except SetpointError as e:
        sys.stderr.write(f"setpoint: {e}\n")
        sys.exit(1)
    except OSError as e:
        sys.stderr.write(f"setpoint: {f'{e.filename}: {e.strerror}' if e.filename else e}\n")
        sys.exit(1)
