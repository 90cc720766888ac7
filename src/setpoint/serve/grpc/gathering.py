"""Calls that come close together are asked together, so that they share a run of the model and a write of records."""

import asyncio
from collections.abc import Callable

PASSES = 16
MOST = 64


class Gathering:
    """Holds calls back until no other has come for some passes of the event loop, or there are many.

    grpc.aio accepts one call at a time, by way of a thread: under load the next comes a few passes after the last, and
    without waiting for it each call would be a run and a write of its own. A lone call waits for the passes only, some
    microseconds each.
    """

    def __init__(self) -> None:
        self._asks: list[Callable[[], None]] = []
        self._quiet = 0  # passes since the last call

    def add(self, ask: Callable[[], None]) -> None:
        """Call `ask`, which must not raise, with those of other calls."""
        if not self._asks:
            asyncio.get_running_loop().call_soon(self._look)
        self._asks.append(ask)
        self._quiet = 0

    def _look(self) -> None:
        self._quiet += 1
        if self._quiet <= PASSES and len(self._asks) < MOST:
            asyncio.get_running_loop().call_soon(self._look)
            return
        asks, self._asks = self._asks, []
        for ask in asks:
            ask()
