"""setpoint.monitor.compare with its defaults; the label and the score are named."""

import json
import sys

sys.path.pop(0)  # this folder: the file has the name of the package
from setpoint.monitor import compare

found = compare(*sys.argv[1:3], target="label", prediction="score")
print(json.dumps({"called": {c.column: c.kind for c in found.columns if c.changed}}))
