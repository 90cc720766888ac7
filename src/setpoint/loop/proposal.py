"""A setpoint file proposed from a model file and its reference."""

from pathlib import Path

from setpoint.deploy.propose import propose
from setpoint.govern.scan import scan


def propose_setpoint(
    artifact: Path,
    reference: Path,
    folder: Path,
    *,
    target: str | None = None,
    model: str | None = None,
    time: str | None = None,
    id: str | None = None,
    allow: tuple[str, ...] = (),
) -> str:
    """Scan the model file, then propose the text of a setpoint.yaml that will stand in `folder`."""
    trusted = scan(artifact, allow)
    return propose(artifact, reference, target=target, model=model, time=time, id=id, trusted=trusted, root=folder)
