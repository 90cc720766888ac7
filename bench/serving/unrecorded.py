"""A worker of ours that records nothing, to see what recording costs: `python unrecorded.py --fd N --index I`."""

from setpoint.bootstrap.worker import main
from setpoint.store.spool import Spool

Spool.append = lambda self, records: None
main()
