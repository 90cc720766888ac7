"""The source of a drill's inputs: it says what was meant, whatever is sent."""

from dataclasses import dataclass, field

import numpy as np

from setpoint.domain.audited import Refetched
from setpoint.domain.records import Records
from setpoint.domain.traffic import Traffic


@dataclass
class RecordedSource:
    """Fulfils `ports.Source` with the rows of recorded traffic."""

    traffic: Traffic
    _places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._places = {id_: place for place, id_ in enumerate(self.traffic.id.tolist())}

    def fetch(self, function: str, records: Records) -> Refetched:
        """Return what the source of the traffic holds of rows."""
        places = np.array([self._places.get(i, -1) for i in records.id.tolist()])
        inputs = self.traffic.inputs if self.traffic.source is None else self.traffic.source
        found = {name: inputs[name][places[places >= 0]] for name in records.inputs}
        return Refetched(known=places >= 0, columns=found)
