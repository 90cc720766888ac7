"""`python -m setpoint.sandbox GUARD MODULE [ARGUMENT …]`: run a module as `python -m` does, under a guard."""

import runpy
import sys

from setpoint.sandbox.guard import guard_of, put_up

if __name__ == "__main__":
    _, text, module, *arguments = sys.argv
    put_up(guard_of(text))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
