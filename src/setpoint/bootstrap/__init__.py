"""Where concrete parts are chosen: one module for each process."""
