"""Remove the files of versions that nothing needs."""

from datetime import timedelta

from setpoint.domain.value import value
from setpoint.domain.version import Removal
from setpoint.errors import InvalidInput
from setpoint.loop.changes import decided
from setpoint.loop.looks.columns import same_columns
from setpoint.loop.verbs.keeping import needed, spared
from setpoint.loop.verbs.operator import Operator

KEEP = 5  # of the newest versions


@value
class Pruned:
    """What was removed of a model, or would be, and what must stay: each version with its reasons."""

    model: str
    removed: tuple[Removal, ...]
    kept: dict[str, tuple[str, ...]]


def prune(
    operator: Operator,
    model: str,
    *,
    keep: int = KEEP,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    by: str,
) -> Pruned:
    """Remove the files of versions that nothing needs; their manifests stay, so that their records can be read.

    Parameters
    ----------
    keep : int
        So many of the newest versions stay in any case.
    older_than : timedelta, optional
        Only versions made before that long ago go.
    dry_run : bool
        Say what would go, and remove nothing.

    Raises
    ------
    InvalidInput
        If `keep` is negative.
    """
    if keep < 0:
        raise InvalidInput(f"--keep {keep}: expected 0 or more")
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        deployment = ports.state.load(model)
        versions = ports.bundles.versions(model)
        root = same_columns(ports, deployment)[0].version
        kept = spared(versions, newest=keep, before=now - older_than if older_than else None)
        kept |= needed(deployment, ports.platform.live().models.get(model), versions, root, now)
        going = [v.version for v in versions if v.version not in kept]
        if dry_run:
            would = [Removal(version=v, at=now, by=by, bytes=ports.bundles.size(model, v)) for v in going]
            return Pruned(model=model, removed=tuple(would), kept=kept)
        removals = [ports.bundles.remove(model, version, by=by, now=now) for version in going]
        for removal in removals:
            deployment = decided(deployment, now, "", removal.version, "prune", f"{removal.bytes:,} bytes freed", by)
        if removals:
            ports.state.save(deployment)
    return Pruned(model=model, removed=tuple(removals), kept=kept)
