"""`setpoint.versions`: called, it lists the versions of a model; its functions compare, verify, sign, hold, prune."""

import getpass
from datetime import timedelta
from pathlib import Path

from setpoint.api.place import Place, opened, settings_of
from setpoint.bootstrap.home import signing_of
from setpoint.config import seconds
from setpoint.domain.fleet import Hold
from setpoint.loop.verbs import pruning, versions
from setpoint.loop.verbs.difference import Difference
from setpoint.loop.verbs.pruning import KEEP, Pruned
from setpoint.loop.verbs.versions import Checked, Stored

__all__ = ["diff", "export", "hold", "keygen", "prune", "release", "show", "sign", "verify"]


def show(model: str, version: str, *, home: Place | None = None) -> Stored:
    """Return one version: its manifest, digest, signer and size, and what part it plays."""
    return versions.find(opened(home), model, version)


def diff(model: str, a: str, b: str, *, home: Place | None = None) -> Difference:
    """Return what differs between two versions."""
    return versions.compared(opened(home), model, a, b)


def verify(model: str | None = None, *, home: Place | None = None) -> list[Checked]:
    """Read every byte of every version again, and say of each whether it is what was stored."""
    return versions.verified(opened(home), model)


def export(
    model: str, version: str | None = None, *, to: Place, mlflow: bool = False, home: Place | None = None
) -> Path:
    """Write a version, by default the champion, to a folder that runs with onnxruntime and NumPy alone.

    With `mlflow` it is an MLflow model directory.
    """
    from setpoint.loop.verbs.exporting import exported  # which brings in onnxruntime

    exported(opened(home), model, version, Path(to), mlflow=mlflow)
    return Path(to)


def keygen(*, home: Place | None = None) -> str:
    """Make the key that versions are signed with from now on, and return its id."""
    opened(home)
    return signing_of(settings_of(home)).make_key()


def sign(model: str, version: str, *, by: str | None = None, home: Place | None = None) -> str:
    """Sign a version that is there already; return the id of the key."""
    return versions.sign(opened(home), model, version, by=by or getpass.getuser())


def hold(model: str, version: str, *, why: str, by: str | None = None, home: Place | None = None) -> Hold:
    """Keep a version, whatever else happens, until it is released."""
    return versions.hold(opened(home), model, version, why=why, by=by or getpass.getuser())


def release(model: str, version: str, *, by: str | None = None, home: Place | None = None) -> Hold:
    """End a hold, and return it."""
    return versions.release(opened(home), model, version, by=by or getpass.getuser())


def prune(
    model: str | None = None,
    *,
    keep: int = KEEP,
    older_than: str | None = None,
    dry_run: bool = False,
    by: str | None = None,
    home: Place | None = None,
) -> list[Pruned]:
    """Remove the files of versions that nothing needs, of one model or of all; asks nobody.

    `keep` of the newest stay in any case; with `older_than`, such as `"90d"`, only older ones go.
    """
    operator, age = opened(home), timedelta(seconds=seconds(older_than)) if older_than else None
    return [
        pruning.prune(operator, d.model, keep=keep, older_than=age, dry_run=dry_run, by=by or getpass.getuser())
        for d in operator.deployments(model)
    ]
